namespace HpcBilling.Architecture.Tests;

/// <summary>The source tree that this assembly was built from.</summary>
internal static class Repository
{
    private static readonly string[] NotSource = ["bin", "obj", ".git", ".local", "node_modules", "TestResults", "BenchmarkDotNet.Artifacts"];

    public static string Root { get; } = FindRoot();

    /// <summary>Every file of the tree, without what builds and runs leave behind.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } = [.. Walk(Root).OrderBy(file => file.Path, StringComparer.Ordinal)];

    public static IEnumerable<SourceFile> CSharp => Files.Where(file => file.Path.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<SourceFile> Projects => Files.Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal));

    public static SourceFile File(string path) => new(path, System.IO.Path.Combine(Root, path));

    private static IEnumerable<SourceFile> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
            yield return new SourceFile(System.IO.Path.GetRelativePath(Root, file).Replace('\\', '/'), file);
        foreach (string inner in Directory.EnumerateDirectories(folder).Where(inner => !NotSource.Contains(System.IO.Path.GetFileName(inner))))
        {
            foreach (SourceFile file in Walk(inner)) yield return file;
        }
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(System.IO.Path.Combine(folder.FullName, "HpcBilling.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("HpcBilling.sln is not above the test assembly.");
    }
}

/// <param name="Path">From the root, with forward slashes.</param>
/// <param name="FullPath">On this machine.</param>
internal sealed record SourceFile(string Path, string FullPath)
{
    public string Name => System.IO.Path.GetFileName(Path);

    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    public string Text => File.ReadAllText(FullPath);

    public bool IsBinary => File.ReadAllBytes(FullPath).Take(8000).Contains((byte)0);
}
