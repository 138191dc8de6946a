using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>A row of the view <c>imports</c>: a job and what it counts; see the tables for what the columns mean.</summary>
internal sealed record ImportJob : Job
{
    public const string Receiving = "receiving";

    public string FileName => Subject;
    public string? Fields { get; init; }
    public string? Cluster { get; init; }
    public long SizeBytes { get; init; }
    public long BytesReceived { get; init; }
    public long BytesProcessed { get; init; }
    public long LinesProcessed { get; init; }
    public long Lines { get; init; }
    public long Runs { get; init; }
    public long Stored { get; init; }
    public long Updated { get; init; }
    public long Known { get; init; }
    public long Steps { get; init; }
    public long Quarantined { get; init; }
    public decimal CpuCoreSeconds { get; init; }
    public decimal GpuSeconds { get; init; }
}

/// <summary>An import as clients see it. Hours are those of the file's accepted lines, with four decimals.</summary>
internal sealed record ImportJobView(
    Guid Id, string Type, string Status, string Stage, string Subject, string FileName, string RequestedBy, long Done, long? Total, long SizeBytes, long BytesReceived, long BytesProcessed,
    long Lines, long Runs, long Stored, long Updated, long Known, long Steps, long Quarantined, decimal CpuCoreHours, decimal GpuHours,
    int Attempts, string? ErrorCode, string? Error, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static ImportJobView Of(ImportJob job) => new(
        job.Id, job.Type, job.Status, job.Stage, job.Subject, job.FileName, job.RequestedBy, job.Done, job.Total, job.SizeBytes, job.BytesReceived, job.BytesProcessed,
        job.Lines, job.Runs, job.Stored, job.Updated, job.Known, job.Steps, job.Quarantined, Hours(job.CpuCoreSeconds), Hours(job.GpuSeconds),
        job.Attempts, job.ErrorCode, job.Error, job.CreatedAt, job.StartedAt, job.FinishedAt);

    // The addend gives whole hours their four decimals too.
    private static decimal Hours(decimal seconds) => Math.Round(seconds / 3600, 4, MidpointRounding.AwayFromZero) + 0.0000m;
}
