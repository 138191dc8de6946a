using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Imports of accounting logs, as the usage service tells of them.</summary>
public sealed class ImportJobs(ServiceApi api)
{
    private const string Service = "usage";

    public Task<Answer<CursorPage<ImportJob>>> ListAsync(string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<ImportJob>>(Service, "/api/v1/jobs", new Query { ["cursor"] = cursor }, ct);

    public Task<Answer<ImportJob>> JobAsync(Guid id, CancellationToken ct) =>
        api.GetAsync<ImportJob>(Service, $"/api/v1/jobs/{id}", new Query(), ct);

    public Task<Answer<CursorPage<QuarantinedLine>>> QuarantineAsync(Guid id, string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<QuarantinedLine>>(Service, $"/api/v1/imports/{id}/quarantine", new Query { ["cursor"] = cursor }, ct);
}

/// <summary>An import: <c>queued</c>, <c>running</c>, <c>succeeded</c>, <c>failed</c> or <c>dead_letter</c>.</summary>
public sealed record ImportJob(
    Guid Id,
    string Type,
    string Status,
    string? Stage,
    string? FileName,
    long SizeBytes,
    long BytesReceived,
    long BytesProcessed,
    long Lines,
    long Runs,
    long Stored,
    long Updated,
    long Known,
    long Quarantined,
    decimal CpuCoreHours,
    decimal GpuHours,
    string? ErrorCode,
    string? Error,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt)
{
    public bool IsOver => Status is "succeeded" or "failed" or "dead_letter";

    /// <summary>Bytes of the step that is going on: first they arrive, then they are read.</summary>
    public long BytesDone => BytesReceived < SizeBytes ? BytesReceived : BytesProcessed;
}

/// <summary>A line that could not be read, kept as it was; its text may be cut.</summary>
public sealed record QuarantinedLine(long Line, string Reason, string Text);
