using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Long work: imports, polls, back-fills, exports; as the usage service tells of it.</summary>
public sealed class Jobs(ServiceApi api)
{
    private const string Service = "usage";
    private const string Path = "/api/v1/jobs";

    public Task<Answer<CursorPage<Job>>> ListAsync(string? type, string? status, string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<Job>>(Service, Path, new Query { ["type"] = type, ["status"] = status, ["cursor"] = cursor }, ct);

    public Task<Answer<Job>> FindAsync(Guid id, CancellationToken ct) => api.GetAsync<Job>(Service, $"{Path}/{id}", new Query(), ct);

    public Task<Answer<CursorPage<JobEvent>>> EventsAsync(Guid id, CancellationToken ct) =>
        api.GetAsync<CursorPage<JobEvent>>(Service, $"{Path}/{id}/events", new Query(), ct);

    public Task<Answer<Job>> CancelAsync(Guid id, CancellationToken ct) => api.SendAsync<Job>(Service, HttpMethod.Post, $"{Path}/{id}/cancel", new { }, ct);

    public Task<Answer<Job>> RequeueAsync(Guid id, CancellationToken ct) => api.SendAsync<Job>(Service, HttpMethod.Post, $"{Path}/{id}/requeue", new { }, ct);

    /// <summary>Asks for a file of the runs that ended from one instant until before the other.</summary>
    public Task<Answer<Job>> ExportAsync(string? from, string? to, string? cluster, CancellationToken ct) =>
        api.SendAsync<Job>(Service, HttpMethod.Post, "/api/v1/exports", new { from, to, cluster }, ct);

    public Task<Answer<CursorPage<QuarantinedLine>>> QuarantineAsync(Guid id, string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<QuarantinedLine>>(Service, $"/api/v1/imports/{id}/quarantine", new Query { ["cursor"] = cursor }, ct);
}

/// <summary>
/// A job: <c>queued</c>, <c>running</c>, <c>succeeded</c>, <c>failed</c>, <c>dead_letter</c> or <c>cancelled</c>. What its type does not count is null.
/// </summary>
public sealed record Job(
    Guid Id,
    string Type,
    string Status,
    string Stage,
    string? Subject,
    string? RequestedBy,
    long Done,
    long? Total,
    long? Lines,
    long? Records,
    long? Runs,
    long? Stored,
    long? Updated,
    long? Corrected,
    long? Known,
    long? Quarantined,
    decimal? CpuCoreHours,
    decimal? GpuHours,
    int Attempts,
    string? ErrorCode,
    string? Error,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt)
{
    public bool IsOver => Status is "succeeded" or "failed" or "dead_letter" or "cancelled";

    public bool CanBeCancelled => !IsOver && Type is not ("poll" or "month");

    public bool CanBeRequeued => Status is "dead_letter" or "cancelled";

    public bool IsImport => Type == "import";

    public bool HasFile => Type == "export" && Status == "succeeded";

    public string Title => Subject ?? Type;
}

/// <summary>A transition of a job.</summary>
public sealed record JobEvent(DateTimeOffset At, string Status, string Stage, int Attempts, string? ErrorCode, string? Error);

/// <summary>A line that could not be read, kept as it was; its text may be cut.</summary>
public sealed record QuarantinedLine(long Line, string Reason, string Text);
