using HpcBilling.Usage.Slurm;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Sources;

/// <summary>What the configuration says of sources: its own, and which an org's admins may add.</summary>
internal sealed class SourceRules
{
    private readonly Dictionary<Guid, SourceReach> reaches;
    private readonly ILookup<Guid, (SourceOptions Options, int Preference)> configured;

    public SourceRules(IOptions<UsageOptions> usage)
    {
        reaches = usage.Value.Reach.GroupBy(entry => entry.Org).ToDictionary(org => org.Key, org => SourceReach.Of([.. org]));
        configured = usage.Value.Sources.GroupBy(source => (source.Org, source.Cluster))
            .SelectMany(cluster => cluster.Select((source, index) => (Options: source, Preference: index + 1)))
            .ToLookup(source => source.Options.Org);
    }

    /// <summary>Sources of the configuration; within a cluster the order is the order of preference, from 1 on.</summary>
    public IEnumerable<(SourceOptions Options, int Preference)> Configured => configured.SelectMany(org => org);

    public IEnumerable<(SourceOptions Options, int Preference)> ConfiguredOf(Guid org) => configured[org];

    public SourceReach ReachOf(Guid org) => reaches.GetValueOrDefault(org, SourceReach.None);

    /// <summary>Asked whenever a stored source is loaded.</summary>
    /// <returns>Null when it is to be used.</returns>
    public SourceProblem? Check(StoredSource source, out SourceOptions options) =>
        Check(source.Wanted(), out options) ?? Clash(source.OrgId, source.Cluster, source.Name);

    /// <summary>Asked when a source is saved.</summary>
    /// <returns>Null when the org may use it.</returns>
    public SourceProblem? Check(WantedSource source, out SourceOptions options)
    {
        options = new SourceOptions();
        try
        {
            return ReachOf(source.Org).Check(source, RealPath.Of, out options);
        }
        catch (IOException unreadable)
        {
            return SourceProblem.Of("path", $"cannot be looked at: {unreadable.Message}");
        }
    }

    /// <returns>A problem when the configuration has a source of that name.</returns>
    public SourceProblem? Clash(Guid org, string cluster, string name) =>
        configured[org].Any(source => source.Options.Cluster == cluster && source.Options.Name == name)
            ? new SourceProblem("name", "is that of a source in the operator's configuration")
            : null;
}
