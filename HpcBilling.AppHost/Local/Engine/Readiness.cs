using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>The system is ready when all that it needs is up; loading demo data is not among that.</summary>
internal sealed class Readiness(ResourceBoard board, IReadOnlyList<Supervisor> supervisors)
{
    private readonly HashSet<string> _needed = [.. supervisors.Where(supervisor => supervisor.IsEssential).Select(supervisor => supervisor.Name)];

    public bool IsReady => board.Snapshot().All(status => status.IsUp || !Needs(status.Name));

    public bool Needs(string name) => _needed.Contains(name);
}
