using System.Collections;
using System.Reflection;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>The routes as the gateway itself has them, and the pages as they lie in the tree: what is added is tested.</summary>
internal static partial class PublicRoutes
{
    private const string Id = "01900000-0000-7000-8000-0000000000ff";

    /// <summary>Path and kind of every entry of the gateway's table; a place holder stands in for what a pattern leaves open.</summary>
    public static IReadOnlyList<(string Path, string Kind)> Table()
    {
        Type table = Assembly.LoadFrom(Repository.Assembly("Gateway")).GetType("HpcBilling.Gateway.Routes.RouteTable", throwOnError: true)!;
        var routes = (IEnumerable)table.GetField("All", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;
        return [.. routes.Cast<object>().Select(route => (Concrete((string)Property(route, "Path")), Property(route, "Kind").ToString()!))];
    }

    /// <summary>Address of every Razor Page of every service.</summary>
    public static IReadOnlyList<string> Pages() =>
    [
        .. from folder in new[] { "identity", "services" }
           from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cshtml", SearchOption.AllDirectories)
           where !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)
           let directive = PageDirective.Match(File.ReadAllText(file))
           where directive.Success
           select Concrete(directive.Groups["path"].Success ? directive.Groups["path"].Value : "/"),
    ];

    private static object Property(object route, string name) => route.GetType().GetProperty(name)!.GetValue(route)!;

    private static string Concrete(string pattern) =>
        Parameter.Replace(pattern, parameter => parameter.Value.Contains(":guid", StringComparison.Ordinal) ? Id : "x").Replace("/x/x", "/x", StringComparison.Ordinal);

    [GeneratedRegex("^@page(\\s+\"(?<path>[^\"]+)\")?\\s*$", RegexOptions.Multiline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PageDirective { get; }

    [GeneratedRegex(@"\{[^}]+\}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter { get; }
}
