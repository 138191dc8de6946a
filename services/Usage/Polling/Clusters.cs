using System.Security.Cryptography;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Rest;
using HpcBilling.Usage.Slurm.Sacct;
using HpcBilling.Usage.Sources;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>
/// The clusters with their live sources, most preferred first: those of the configuration, and those that admins set up, which come and go
/// while this process runs. What did not change stays what it is, with its connections and what it went through.
/// </summary>
internal sealed class Clusters : IDisposable
{
    private readonly Lock gate = new();
    private readonly PollingOptions polling;
    private readonly TimeProvider clock;
    private readonly ILogger log;
    private readonly UsableSource[] configured;
    private readonly TaskCompletionSource loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Snapshot now = new();

    public Clusters(SourceRules rules, IOptions<PollingOptions> polling, TimeProvider clock, ILoggerFactory logs)
    {
        (this.polling, this.clock, log) = (polling.Value, clock, logs.CreateLogger<Clusters>());
        configured = [.. rules.Configured.Select((source, index) => new UsableSource($"configuration/{index}", source.Options, source.Preference, null, null))];
        now = Build(configured, isChange: false);
    }

    /// <summary>Ends when the sources of admins are known as well.</summary>
    public Task Loaded => loaded.Task;

    /// <summary>Ends with the next change. Taken before one looks, it misses none.</summary>
    public Task Changed => changed.Task;

    public IReadOnlyList<WatchedDirectory> Directories => now.Directories;

    public IReadOnlyList<Cluster> All => now.All;

    public Cluster? Find(Guid org, string name) => now.All.FirstOrDefault(cluster => cluster.Org == org && cluster.Name == name);

    /// <summary>Why an admin's source could not be made ready though he may use it.</summary>
    public string? ProblemOf(Guid id) => now.Problems.GetValueOrDefault(id);

    /// <summary>What an org has in use now.</summary>
    public SourcesInUse InUse(Guid org)
    {
        Snapshot current = now;
        IEnumerable<(SourceOptions Options, int Place)> all = current.All.SelectMany(cluster => cluster.Sources).Select(source => (source.Source.Options, source.Preference))
            .Concat(current.Directories.Select(directory => (directory.Options, directory.Preference)));
        return new SourcesInUse(
            current.Marks.GetValueOrDefault(org, ""), [.. all.Where(source => source.Options.Org == org)],
            [.. current.All.Where(cluster => cluster.Org == org).Select(cluster => cluster.Name)]);
    }

    /// <summary>Puts these in the place of the admins' sources before.</summary>
    /// <param name="admins">What may be used.</param>
    /// <param name="marks">Of what was read of each org; <see cref="SourcesInUse.Mark"/>.</param>
    /// <returns>False when everything is as it was.</returns>
    public bool Load(IReadOnlyList<UsableSource> admins, IReadOnlyDictionary<Guid, string> marks)
    {
        lock (gate)
        {
            Snapshot before = now;
            bool isFirst = !loaded.Task.IsCompleted;
            Snapshot after = Build([.. configured, .. admins], isChange: !isFirst);
            after.Marks = marks;
            now = after;
            if (!isFirst && after.IsSame(before)) return false;

            foreach ((string key, GuardedSource source) in before.Live)
            {
                if (!after.Live.ContainsKey(key)) source.Dispose();
            }

            loaded.TrySetResult();
            TaskCompletionSource heard = changed;
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            heard.SetResult();
            return true;
        }
    }

    public void Dispose()
    {
        foreach (GuardedSource source in now.Live.Values) source.Dispose();
    }

    private Snapshot Build(IReadOnlyList<UsableSource> sources, bool isChange)
    {
        Snapshot before = now;
        var after = new Snapshot();
        foreach (var cluster in sources.GroupBy(source => (source.Options.Org, source.Options.Cluster)))
        {
            var live = new List<GuardedSource>();
            int place = 0;
            // Between equals the operator's word comes first.
            foreach (UsableSource source in cluster.OrderBy(source => source.Preference).ThenBy(source => source.Id is not null).ThenBy(source => source.Options.Name, StringComparer.Ordinal))
            {
                place++;
                after.Places[source.Key] = place;
                if (source.Options.Kind == SourceOptions.Directory)
                {
                    after.Watched[source.Key] = before.Watched.GetValueOrDefault(source.Key) ?? new WatchedDirectory(source.Options, source.Reach);
                    after.Watched[source.Key].Preference = place;
                }
                else if ((before.Live.GetValueOrDefault(source.Key) ?? TryMake(source, after)) is { } guarded)
                {
                    guarded.Preference = place;
                    after.Live[source.Key] = guarded;
                    live.Add(guarded);
                }
            }

            if (live.Count == 0) continue;
            Cluster? known = before.All.FirstOrDefault(one => one.Org == cluster.Key.Org && one.Name == cluster.Key.Cluster);
            after.All.Add(known is not null && known.Sources.SequenceEqual(live) ? known : new Cluster(cluster.Key.Org, cluster.Key.Cluster, live, isChange));
        }

        return after;
    }

    private GuardedSource? TryMake(UsableSource source, Snapshot after)
    {
        try
        {
            return new GuardedSource(Make(source.Options, log), polling, clock);
        }
        catch (Exception failure) when (source.Id is not null && failure is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A file of an admin's source; the next look tries again.
            after.Problems[source.Id.Value] = $"cannot be made ready: {failure.Message}";
            return null;
        }
    }

    /// <exception cref="CryptographicException">A file holds no certificate.</exception>
    public static UsageSource Make(SourceOptions source, ILogger log) => source.Kind switch
    {
        SourceOptions.Slurmrestd => new RestSource(source, log),
        SourceOptions.Sacct => new SacctSource(source),
        _ => throw new System.Diagnostics.UnreachableException(source.Kind),
    };

    private sealed class Snapshot
    {
        public List<Cluster> All { get; } = [];
        public Dictionary<string, GuardedSource> Live { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, WatchedDirectory> Watched { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, int> Places { get; } = new(StringComparer.Ordinal);
        public Dictionary<Guid, string> Problems { get; } = [];
        public IReadOnlyDictionary<Guid, string> Marks { get; set; } = new Dictionary<Guid, string>();
        public IReadOnlyList<WatchedDirectory> Directories => [.. Watched.Values];

        public bool IsSame(Snapshot other) =>
            All.Count == other.All.Count && All.All(cluster => other.All.Contains(cluster, ReferenceEqualityComparer.Instance)) && Same(Places, other.Places) && Same(Problems, other.Problems);

        private static bool Same<TKey, TValue>(Dictionary<TKey, TValue> one, Dictionary<TKey, TValue> other)
            where TKey : notnull => one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out TValue? value) && Equals(value, pair.Value));
    }
}

/// <param name="Mark">Ids and revisions of the rows that this comes from.</param>
/// <param name="Sources">What is asked or watched, with its place in its cluster.</param>
/// <param name="Live">Clusters that somebody can tell of.</param>
internal sealed record SourcesInUse(string Mark, IReadOnlyList<(SourceOptions Options, int Place)> Sources, IReadOnlyList<string> Live);
