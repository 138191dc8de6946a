using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>A server that somebody else runs: watched, not started and not stopped.</summary>
internal sealed class ExternalServer(string name, string kind, string endpoint, Func<CancellationToken, Task> probe) : IManaged
{
    public string Name => name;

    public string Kind => kind;

    public bool RunsToCompletion => false;

    public IReadOnlyList<string> Endpoints => [endpoint];

    public Task<ChildProcess?> StartAsync(Action<string> log, CancellationToken cancellationToken) => Task.FromResult<ChildProcess?>(null);

    public Task ProbeAsync(CancellationToken cancellationToken) => probe(cancellationToken);
}
