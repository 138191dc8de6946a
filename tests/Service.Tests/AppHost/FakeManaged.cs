using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.Service.Tests.AppHost;

/// <summary>A shell command in the place of a service; healthy when told so.</summary>
internal sealed class FakeManaged(string name, string script, bool runsToCompletion = false, bool healthy = true) : IManaged
{
    private int _starts;

    public string Name => name;

    public string Kind => "Fake";

    public bool RunsToCompletion => runsToCompletion;

    public IReadOnlyList<string> Endpoints => [];

    public int Starts => _starts;

    /// <summary>Events of all fakes that share it, in the order in which they happened.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Events { get; init; } = [];

    public async Task<ChildProcess?> StartAsync(Action<string> log, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _starts);
        Events.Enqueue($"{name} started");
        var process = await ChildProcess.StartAsync(new ProcessSpec { FileName = "/bin/sh", Arguments = ["-c", script] }, log);

        // Registered before the supervisor waits for the end, and run in place: nobody can act on the end before it is noted.
        _ = process.Exited.ContinueWith(
            _ => Events.Enqueue($"{name} ended"), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return process;
    }

    public Task ProbeAsync(CancellationToken cancellationToken) =>
        healthy ? Task.CompletedTask : throw new InvalidOperationException("it is told to be ill");
}
