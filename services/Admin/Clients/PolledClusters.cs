using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>The clusters that are polled, as the usage service tells of them.</summary>
public sealed class PolledClusters(ServiceApi api)
{
    private const string Service = "usage";
    private const string Path = "/api/v1/clusters";

    public Task<Answer<CursorPage<PolledCluster>>> ListAsync(CancellationToken ct) => api.GetAsync<CursorPage<PolledCluster>>(Service, Path, new Query(), ct);

    public Task<Answer<ClusterRead>> ReadAsync(Guid id, CancellationToken ct) => api.GetAsync<ClusterRead>(Service, $"/api/v1/jobs/{id}", new Query(), ct);

    public Task<Answer<ClusterRead>> BackfillAsync(string cluster, string? from, string? to, CancellationToken ct) =>
        api.SendAsync<ClusterRead>(Service, HttpMethod.Post, $"{Path}/{Uri.EscapeDataString(cluster)}/backfills", new { from, to }, ct);
}

/// <summary>A cluster: how far it was read, by which source and why by that one.</summary>
public sealed record PolledCluster(
    string Name,
    DateTimeOffset ReadUntil,
    DateTimeOffset? LastSuccessAt,
    DateTimeOffset? LastErrorAt,
    string? LastError,
    string? ActiveSource,
    DateTimeOffset? ActiveSince,
    string? ActiveReason,
    long Quarantined,
    IReadOnlyList<ClusterSource> Sources,
    IReadOnlyList<Guid>? UnfinishedReads)
{
    /// <summary>A live source before the one in use does not answer.</summary>
    public bool IsOnFallback => Sources.Any(source => source.Source == ActiveSource
        && Sources.Any(other => other.Kind != "directory" && other.Preference < source.Preference));
}

/// <summary>Kind <c>slurmrestd</c>, <c>sacct</c> or <c>directory</c>.</summary>
public sealed record ClusterSource(
    string Source,
    string Kind,
    int Preference,
    string? Version,
    int Failures,
    DateTimeOffset? LastSuccessAt,
    DateTimeOffset? LastErrorAt,
    string? LastError);

/// <summary>Reading of a span: type <c>poll</c>, <c>month</c> or <c>backfill</c>; its position is its progress.</summary>
public sealed record ClusterRead(
    Guid Id, string Type, string Status, string? Cluster, DateTimeOffset? From, DateTimeOffset? To, DateTimeOffset? Position, string? Source, long Records, string? Error)
{
    public bool IsOver => Status is not ("queued" or "running");

    public long SecondsTotal => Seconds(To);

    public long SecondsDone => Seconds(Position);

    private long Seconds(DateTimeOffset? until) => From is { } from && until is { } end ? Math.Max(0, (end - from).Ticks / TimeSpan.TicksPerSecond) : 0;
}
