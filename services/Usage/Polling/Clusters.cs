using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Rest;
using HpcBilling.Usage.Slurm.Sacct;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>The clusters of the configuration with their live sources, most preferred first.</summary>
internal sealed class Clusters : IDisposable
{
    public Clusters(IOptions<UsageOptions> usage, IOptions<PollingOptions> polling, TimeProvider clock, ILoggerFactory logs)
    {
        ILogger log = logs.CreateLogger<Clusters>();
        All =
        [
            .. usage.Value.Sources.Where(source => source.Kind != SourceOptions.Directory)
                .GroupBy(source => (source.Org, source.Cluster))
                .Select(cluster => new Cluster(
                    cluster.Key.Org, cluster.Key.Cluster,
                    [.. cluster.Select((source, index) => new GuardedSource(Make(source, log), index + 1, polling.Value, clock))])),
        ];
    }

    public IReadOnlyList<Cluster> All { get; }

    public Cluster? Find(Guid org, string name) => All.FirstOrDefault(cluster => cluster.Org == org && cluster.Name == name);

    public void Dispose()
    {
        foreach (GuardedSource source in All.SelectMany(cluster => cluster.Sources)) source.Dispose();
    }

    private static UsageSource Make(SourceOptions source, ILogger log) => source.Kind switch
    {
        SourceOptions.Slurmrestd => new RestSource(source, log),
        SourceOptions.Sacct => new SacctSource(source),
        _ => throw new System.Diagnostics.UnreachableException(source.Kind),
    };
}

/// <param name="Org">Tenant.</param>
/// <param name="Name">Slurm's name of it.</param>
/// <param name="Sources">Most preferred first.</param>
internal sealed record Cluster(Guid Org, string Name, IReadOnlyList<GuardedSource> Sources);
