using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Records that are no run, as the usage service keeps them.</summary>
public sealed class QuarantineRecords(ServiceApi api)
{
    private const string Service = "usage";
    private const string Path = "/api/v1/quarantine";

    public Task<Answer<CursorPage<QuarantinedRecord>>> ListAsync(QuarantineFilter filter, string? state, string? source, string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<QuarantinedRecord>>(
            Service,
            Path,
            new Query { ["state"] = state, ["cluster"] = filter.Cluster, ["code"] = filter.Code, ["source"] = source, ["import"] = filter.ImportId, ["cursor"] = cursor },
            ct);

    public Task<Answer<QuarantineCounts>> CountAsync(CancellationToken ct) => api.GetAsync<QuarantineCounts>(Service, Path + "/counts", new Query(), ct);

    public Task<Answer<RetriedRecord>> RetryAsync(Guid id, CancellationToken ct) =>
        api.SendAsync<RetriedRecord>(Service, HttpMethod.Post, $"{Path}/{id}/retry", new { }, ct);

    /// <summary>Some of the open records; the answer says where to go on.</summary>
    public Task<Answer<RetriedRecords>> RetryAllAsync(QuarantineFilter filter, string? cursor, CancellationToken ct) =>
        api.SendAsync<RetriedRecords>(Service, HttpMethod.Post, Path + "/retry", new { cluster = filter.Cluster, code = filter.Code, importId = filter.ImportId, cursor }, ct);

    public Task<Answer<QuarantinedRecord>> DismissAsync(Guid id, string? reason, CancellationToken ct) =>
        api.SendAsync<QuarantinedRecord>(Service, HttpMethod.Post, $"{Path}/{id}/dismiss", new { reason }, ct);
}

/// <summary>Which records; null: all.</summary>
public sealed record QuarantineFilter(string? Cluster, string? Code, Guid? ImportId);

/// <summary>A line of a file (with its import), or a record of a live source; state <c>open</c>, <c>retried</c> or <c>dismissed</c>.</summary>
public sealed record QuarantinedRecord(
    Guid Id,
    string State,
    Guid? ImportId,
    long? Line,
    string? Cluster,
    string Source,
    string Code,
    string Reason,
    string Text,
    bool Retryable,
    long Times,
    DateTimeOffset FirstSeenAt,
    string? ResolvedBy,
    DateTimeOffset? ResolvedAt,
    string? DismissedBecause)
{
    public bool IsOpen => State == "open";
}

/// <summary>Outcome <c>stored</c>, <c>known</c> or <c>refused</c>.</summary>
public sealed record RetriedRecord(string Outcome, QuarantinedRecord Record);

public sealed record RetriedRecords(long Stored, long Known, long Refused, string? NextCursor);

public sealed record QuarantineCounts(long Open, IReadOnlyList<QuarantineCount> Items);

public sealed record QuarantineCount(string? Cluster, string Code, string State, long Records);
