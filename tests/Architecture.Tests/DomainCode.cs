using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace HpcBilling.Architecture.Tests;

/// <summary>Compiles a service's <c>Domain/</c> with nothing but the runtime at hand, and looks up what every name in it means.</summary>
internal static class DomainCode
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // [GeneratedRegex]: its body comes from a generator of the SDK, which does not run here.
    private const string PartialWithoutBody = "CS8795";

    private static readonly string[] ForbiddenNamespaces = ["System.IO", "System.Net", "System.Threading", "System.Diagnostics", "System.Data", "System.Runtime.InteropServices", "Microsoft"];
    private static readonly string[] ForbiddenTypes = ["System.Console", "System.Environment", "System.Random", "System.TimeProvider", "System.AppContext", "System.Security.Cryptography.RandomNumberGenerator"];

    // Readers and writers of text that somebody else opened; attributes; an exception for what cannot be.
    private static readonly string[] AllowedTypes =
    [
        "System.IO.TextReader", "System.IO.TextWriter", "System.IO.StringReader", "System.IO.StringWriter", "System.IO.InvalidDataException",
        "System.Diagnostics.UnreachableException", "System.Diagnostics.Debug",
    ];

    private static readonly string[] ForbiddenMembers =
    [
        "System.DateTime.Now", "System.DateTime.UtcNow", "System.DateTime.Today", "System.DateTimeOffset.Now", "System.DateTimeOffset.UtcNow",
        "System.Guid.NewGuid", "System.Guid.CreateVersion7", "System.TimeZoneInfo.Local",
    ];

    private static readonly MetadataReference[] Runtime =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal) && path.Contains("Microsoft.NETCore.App", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Names of the services that have a <c>Domain/</c>.</summary>
    public static IReadOnlyList<string> Services() =>
        [.. Repository.CSharp.Select(file => file.Path.Split('/')).Where(parts => parts is ["services", _, "Domain", ..]).Select(parts => parts[1]).Distinct()];

    public static IEnumerable<(string Path, string Text)> Files(string service) =>
        Repository.CSharp.Where(file => file.Path.StartsWith($"services/{service}/Domain/", StringComparison.Ordinal)).Select(file => (file.Path, file.Text));

    public static IEnumerable<string> Impurities(IEnumerable<(string Path, string Text)> files)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        SyntaxTree[] trees = [.. files.Select(file => CSharpSyntaxTree.ParseText(file.Text, options, file.Path))];
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Domain",
            [CSharpSyntaxTree.ParseText(ImplicitUsings, options), .. trees],
            Runtime,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: true));
        IEnumerable<string> broken = compilation.GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Id != PartialWithoutBody)
            .Select(diagnostic => $"does not compile on its own: {diagnostic}");
        return broken.Concat(trees.SelectMany(tree => Impurities(tree, compilation.GetSemanticModel(tree)))).Distinct();
    }

    private static IEnumerable<string> Impurities(SyntaxTree tree, SemanticModel model)
    {
        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            string place = $"{tree.FilePath}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}";
            if (IsFloatingPoint(model.GetTypeInfo(node).Type)) yield return $"{place}: floating point: {node}";
            if (model.GetSymbolInfo(node).Symbol is { } symbol && Forbidden(symbol) is { } name) yield return $"{place}: {name}";
        }
    }

    private static bool IsFloatingPoint(ITypeSymbol? type) => type?.SpecialType is SpecialType.System_Double or SpecialType.System_Single;

    private static string? Forbidden(ISymbol symbol)
    {
        if (symbol is INamespaceSymbol || (symbol as ITypeSymbol ?? symbol.ContainingType)?.OriginalDefinition is not { } type) return null;
        string typeName = type.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat.WithMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.None));
        string memberName = $"{typeName}.{symbol.Name}";
        string? home = type.ContainingNamespace?.ToDisplayString();
        if (ForbiddenMembers.Contains(memberName)) return memberName;
        if (AllowedTypes.Contains(typeName) || home == "System.Diagnostics.CodeAnalysis") return null;
        bool isForbidden = ForbiddenTypes.Contains(typeName)
            || ForbiddenNamespaces.Any(name => home == name || home?.StartsWith(name + '.', StringComparison.Ordinal) is true);
        return isForbidden ? memberName : null;
    }
}
