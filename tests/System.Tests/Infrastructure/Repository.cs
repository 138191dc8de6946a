namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>Where things are in the repository.</summary>
public static class Repository
{
    public static readonly string Root = FindRoot();

    private static readonly string Configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    public static string Cli => Path.Combine(Root, "cli", "bin", Configuration, "net10.0", "hpcb.dll");

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "HpcBilling.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("HpcBilling.sln is in no folder above the tests.");
    }
}
