namespace HpcBilling.Usage.Polling;

/// <summary>A row of <c>reads</c>; see the table for what the columns mean.</summary>
internal sealed record ClusterRead
{
    public const string Poll = "poll";
    public const string Month = "month";
    public const string Backfill = "backfill";

    public Guid Id { get; init; }
    public Guid OrgId { get; init; }
    public string Cluster { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Status { get; init; } = "";
    public string RequestedBy { get; init; } = "";
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
    public int Attempts { get; init; }
    public string? Error { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>A read as clients see it; <c>position</c> between <c>from</c> and <c>to</c> is its progress.</summary>
internal sealed record ClusterReadView(
    Guid Id, string Type, string Status, string Cluster, DateTimeOffset From, DateTimeOffset To, DateTimeOffset Position, string? Source,
    long Records, long Runs, long Stored, long Updated, long Corrected, long Known, long Quarantined, int Attempts, string? Error,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static ClusterReadView Of(ClusterRead read) => new(
        read.Id, read.Kind, read.Status, read.Cluster, read.FromAt, read.ToAt, read.PositionAt, read.Source, read.Records, read.Runs, read.Stored,
        read.Updated, read.Corrected, read.Known, read.Quarantined, read.Attempts, read.Error, read.CreatedAt, read.StartedAt, read.FinishedAt);
}
