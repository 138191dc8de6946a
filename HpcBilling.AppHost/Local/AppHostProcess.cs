using System.Diagnostics;
using System.Text.Json;
using HpcBilling.AppHost.Local.Engine;
using HpcBilling.AppHost.Local.Processes;

namespace HpcBilling.AppHost.Local;

/// <summary>The whole system as a child process on ports and a state directory of its own, for tests.</summary>
public sealed class AppHostProcess : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(240);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(60);
    private readonly ChildProcess _process;
    private readonly ResourceLog _output;

    private AppHostProcess(string statePath, ChildProcess process, ResourceLog output) => (StatePath, _process, _output) = (statePath, process, output);

    public string StatePath { get; }

    public int Pid => _process.Identity.Pid;

    /// <summary>What it printed, for the message of a failed test.</summary>
    public string Output => string.Join(Environment.NewLine, _output.Recent());

    /// <summary>Returns when everything is healthy.</summary>
    /// <param name="statePath">Its state directory; one that was used before brings its data back.</param>
    /// <param name="environment">Added to the environment of the AppHost and so of the services: "Usage__BatchRows" …</param>
    /// <param name="arguments">Besides --state and free ports: "--environment", "Production" …</param>
    /// <exception cref="InvalidOperationException">It ended or was not ready in time; the message has its output.</exception>
    public static async Task<AppHostProcess> StartAsync(
        string statePath, IReadOnlyDictionary<string, string?>? environment = null, params string[] arguments)
    {
        var ready = ReadyFile.PathIn(statePath);
        if (File.Exists(ready))
            File.Delete(ready);
        // Beside the state, not in it: the AppHost must find that empty or its own.
        var output = new ResourceLog(Path.GetFullPath(statePath).TrimEnd('/') + ".out");
        var process = await ChildProcess.StartAsync(
            new ProcessSpec
            {
                FileName = "dotnet",
                Arguments =
                [
                    typeof(AppHostProcess).Assembly.Location, "--state", statePath, "--environment", "Development",
                    "--https-port", "0", "--operator-port", "0", .. arguments,
                ],
                Environment = environment ?? new Dictionary<string, string?>(StringComparer.Ordinal),
                StopDeadline = StopDeadline,
            },
            output.Line);
        var started = new AppHostProcess(Path.GetFullPath(statePath), process, output);
        try
        {
            await started.WaitForAsync(now => now.Ready, StartDeadline);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where and how everything is at this moment; null while it is not ready for the first time.</summary>
    public AppHostReady? Read()
    {
        try
        {
            return JsonSerializer.Deserialize<AppHostReady>(File.ReadAllBytes(ReadyFile.PathIn(StatePath)), ReadyFile.Format);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <exception cref="InvalidOperationException">Not within the deadline, or the AppHost ended.</exception>
    public async Task<AppHostReady> WaitForAsync(Func<AppHostReady, bool> condition, TimeSpan deadline)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (Read() is { } now && now.AppHostPid == Pid && condition(now))
                return now;
            if (_process.Exited.IsCompleted || watch.Elapsed > deadline)
                throw new InvalidOperationException($"The AppHost {(_process.Exited.IsCompleted ? "ended" : "is not as expected in time")}:{Environment.NewLine}{Output}");
            await Task.Delay(PollInterval);
        }
    }

    /// <summary>SIGKILL to one resource; returns when it and everything else is healthy again.</summary>
    public async Task<AppHostReady> KillAndAwaitRestartAsync(string resource, TimeSpan deadline)
    {
        var pid = Kill(resource);
        return await WaitForAsync(now => now.Ready && now.Resources[resource].Pid is { } current && current != pid, deadline);
    }

    /// <summary>SIGKILL to one resource.</summary>
    /// <returns>The pid it had.</returns>
    public int Kill(string resource)
    {
        var pid = Read()?.Resources[resource].Pid ?? throw new InvalidOperationException($"{resource} is not running.");
        if (ProcessIdentity.Of(pid) is { } process)
            Signals.Send(process, Signal.Kill);
        return pid;
    }

    /// <summary>SIGKILL to the AppHost alone, as when the machine runs out of memory.</summary>
    public async Task KillAppHostAsync()
    {
        Signals.Send(_process.Identity, Signal.Kill);
        await _process.Exited;
    }

    public Task StopAsync() => _process.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _output.Dispose();
    }
}
