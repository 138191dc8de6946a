using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.Polling;

/// <summary>A row of the view <c>cluster_reads</c>: a job and how far it is; see the tables for what the columns mean.</summary>
internal sealed record ClusterRead : Job
{
    public string Cluster => Subject;
    public DateTimeOffset FromAt { get; init; }
    public DateTimeOffset ToAt { get; init; }
    public DateTimeOffset PositionAt { get; init; }
    public int WindowSeconds { get; init; }
    public string? Source { get; init; }
    public long Records { get; init; }
    public long Runs { get; init; }
    public long Stored { get; init; }
    public long Updated { get; init; }
    public long Corrected { get; init; }
    public long Known { get; init; }
    public long Quarantined { get; init; }
}

/// <summary>A read as clients see it; <c>position</c> between <c>from</c> and <c>to</c> is its progress.</summary>
internal sealed record ClusterReadView(
    Guid Id, string Type, string Status, string Stage, string Subject, string Cluster, string RequestedBy, long Done, long? Total, DateTimeOffset From, DateTimeOffset To, DateTimeOffset Position, string? Source,
    long Records, long Runs, long Stored, long Updated, long Corrected, long Known, long Quarantined, int Attempts, string? ErrorCode, string? Error,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static ClusterReadView Of(ClusterRead read) => new(
        read.Id, read.Type, read.Status, read.Stage, read.Subject, read.Cluster, read.RequestedBy, read.Done, read.Total, read.FromAt, read.ToAt, read.PositionAt, read.Source, read.Records, read.Runs, read.Stored,
        read.Updated, read.Corrected, read.Known, read.Quarantined, read.Attempts, read.ErrorCode, read.Error, read.CreatedAt, read.StartedAt, read.FinishedAt);
}
