namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>Where things are in the repository.</summary>
public static class Repository
{
    public static readonly string Root = FindRoot();

    /// <summary>The built assembly of a project, of the configuration that the tests were built in.</summary>
    public static string Assembly(string project)
    {
        string folder = project switch
        {
            "Gateway" or "Identity" => project.ToLowerInvariant(),
            "Cli" => "cli",
            "MessagingProbe" => "tests/MessagingProbe",
            _ => "services/" + project,
        };
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string file = project == "Cli" ? "hpcb.dll" : $"HpcBilling.{project}.dll";
        return Path.Combine(Root, folder, "bin", configuration, "net10.0", file);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "HpcBilling.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("HpcBilling.sln is in no folder above the tests.");
    }
}
