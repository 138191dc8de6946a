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
        var clusters = usage.Value.Sources.GroupBy(source => (source.Org, source.Cluster))
            .Select(cluster => (cluster.Key, Sources: cluster.Select((source, index) => (Options: source, Preference: index + 1)).ToList())).ToList();
        Directories =
        [
            .. clusters.SelectMany(cluster => cluster.Sources).Where(source => source.Options.Kind == SourceOptions.Directory)
                .Select(source => new WatchedDirectory(source.Options, source.Preference)),
        ];
        All =
        [
            .. clusters
                .Select(cluster => new Cluster(
                    cluster.Key.Org, cluster.Key.Cluster,
                    [
                        .. cluster.Sources.Where(source => source.Options.Kind != SourceOptions.Directory)
                            .Select(source => new GuardedSource(Make(source.Options, log), source.Preference, polling.Value, clock)),
                    ]))
                .Where(cluster => cluster.Sources.Count > 0),
        ];
    }

    public IReadOnlyList<WatchedDirectory> Directories { get; }

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

/// <param name="Options">The folder.</param>
/// <param name="Preference">Its place among the sources of its cluster.</param>
internal sealed record WatchedDirectory(SourceOptions Options, int Preference);

/// <param name="Org">Tenant.</param>
/// <param name="Name">Slurm's name of it.</param>
/// <param name="Sources">Most preferred first.</param>
internal sealed record Cluster(Guid Org, string Name, IReadOnlyList<GuardedSource> Sources);
