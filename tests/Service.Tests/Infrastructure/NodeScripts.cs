using System.Diagnostics;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>The scripts of <c>tests/Service.Tests/Node</c>, with their packages installed as its lock file says.</summary>
internal static class NodeScripts
{
    private static readonly TimeSpan InstallTimeMax = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan RunTimeMax = TimeSpan.FromMinutes(1);
    private static readonly Lazy<Task> Installed = new(InstallAsync);

    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "Service.Tests", "Node");

    /// <summary>Null where both programs are there; otherwise why the tests cannot run.</summary>
    public static string? Missing { get; } = new[] { "node", "npm" }.Where(program => !IsOnPath(program)).ToArray() switch
    {
        [] => null,
        var missing => $"needs {string.Join(" and ", missing)}: apt-get install nodejs npm",
    };

    private static string Node => Environment.GetEnvironmentVariable("HPCB_TEST_NODE") is { Length: > 0 } other ? other : "node";

    /// <summary>Runs a script to its end.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string script, string input, string? certificateFile = null)
    {
        using Process process = await StartAsync(script, [], certificateFile);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await EndAsync(process, RunTimeMax);
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{script} ended with {process.ExitCode}: {await errors}");
    }

    /// <summary>Starts a script that goes on until its standard input is closed or it is killed.</summary>
    public static async Task<Process> StartAsync(string script, IReadOnlyList<string> arguments, string? certificateFile = null)
    {
        await Installed.Value;
        ProcessStartInfo start = Redirected(Node, [script, .. arguments]);
        if (certificateFile is not null) start.Environment["NODE_EXTRA_CA_CERTS"] = certificateFile;
        return Process.Start(start)!;
    }

    // Once per lock file: what is installed stays beside it, untracked.
    private static async Task InstallAsync()
    {
        string mark = Path.Combine(Folder, "node_modules", ".installed");
        string wanted = await File.ReadAllTextAsync(Path.Combine(Folder, "package-lock.json"));
        if (File.Exists(mark) && await File.ReadAllTextAsync(mark) == wanted) return;
        using Process npm = Process.Start(Redirected("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))!;
        Task<string> output = npm.StandardOutput.ReadToEndAsync();
        Task<string> errors = npm.StandardError.ReadToEndAsync();
        await EndAsync(npm, InstallTimeMax);
        if (npm.ExitCode != 0) throw new InvalidOperationException($"npm ci: {await output} {await errors}");
        await File.WriteAllTextAsync(mark, wanted);
    }

    private static ProcessStartInfo Redirected(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    private static async Task EndAsync(Process process, TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException late)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{process.StartInfo.FileName} did not end within {limit}", late);
        }
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}

/// <summary>A test that runs a script in Node; skipped, with the reason, where Node is not to be had.</summary>
public sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute()
    {
        if (NodeScripts.Missing is { } reason) Skip = reason;
    }
}
