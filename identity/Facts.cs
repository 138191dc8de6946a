namespace HpcBilling.Identity;

/// <summary>Details of an audit act.</summary>
internal static class Facts
{
    public static IReadOnlyDictionary<string, string> Of(params (string Name, string Value)[] facts) =>
        facts.ToDictionary(fact => fact.Name, fact => fact.Value, StringComparer.Ordinal);
}
