namespace HpcBilling.Architecture.Tests;

/// <summary>A guard names the places that break its rule: a test over the tree wants none, a test over a fixture wants that one.</summary>
internal static class Guard
{
    public static void FindsNothing(IEnumerable<string> violations)
    {
        string[] found = [.. violations];
        Assert.True(found.Length == 0, string.Join(Environment.NewLine, found));
    }
}
