using HpcBilling.AppHost.Local.Processes;

namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>Something the supervisor starts, watches and stops: a server, a service, or a command that runs to completion.</summary>
public interface IManaged
{
    string Name { get; }

    /// <summary>The word for it on the operator's page: "PostgreSQL", "Project" …</summary>
    string Kind { get; }

    bool RunsToCompletion { get; }

    IReadOnlyList<string> Endpoints { get; }

    /// <summary>Clears away what a crash of the last run left, and starts anew.</summary>
    Task<ChildProcess?> StartAsync(Action<string> log, CancellationToken cancellationToken);

    /// <summary>Returns when it can do its work.</summary>
    /// <exception cref="Exception">It cannot; the message says why.</exception>
    Task ProbeAsync(CancellationToken cancellationToken);
}
