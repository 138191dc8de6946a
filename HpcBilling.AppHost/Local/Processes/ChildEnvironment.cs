namespace HpcBilling.AppHost.Local.Processes;

/// <summary>A child inherits the environment, but for what configures the AppHost itself or names servers with the owner's password.</summary>
internal static class ChildEnvironment
{
    private static readonly string[] NotInherited =
        ["ConnectionStrings__", "Parameters__", "ASPNETCORE_", "HTTP_PORTS", "HTTPS_PORTS", "Kestrel__", "HPCBILLING_", "RABBITMQ_", "PG"];

    public static void Apply(IDictionary<string, string?> inherited, IReadOnlyDictionary<string, string?> own)
    {
        foreach (var name in inherited.Keys.Where(name => NotInherited.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))).ToList())
            inherited.Remove(name);
        foreach (var (name, value) in own)
        {
            if (value is null)
                inherited.Remove(name);
            else
                inherited[name] = value;
        }
    }
}
