using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>The org's audit log.</summary>
public sealed class AuditLog(ServiceApi api)
{
    private const string Service = "audit";

    public Task<Answer<CursorPage<AuditEntry>>> ListAsync(Query filter, CancellationToken ct) =>
        api.GetAsync<CursorPage<AuditEntry>>(Service, "/api/v1/audit", filter, ct);

    public Task<Answer<ChainVerdict>> VerifyAsync(CancellationToken ct) =>
        api.GetAsync<ChainVerdict>(Service, "/api/v1/audit/verify", new Query(), ct);
}

/// <summary>One act in the hash chain.</summary>
public sealed record AuditEntry(
    long Seq,
    DateTimeOffset OccurredAt,
    string Service,
    string Actor,
    string Action,
    string Subject,
    IReadOnlyDictionary<string, string> Details,
    string? IpAddress,
    string Hash);

/// <summary>Status <c>ok</c> with the hash of the last entry, or <c>broken</c> with the first bad one.</summary>
public sealed record ChainVerdict(string Status, long Count, string? HeadHash, BadEntry? FirstBad);

/// <summary>The first entry that does not fit the chain.</summary>
public sealed record BadEntry(long Seq, Guid? EntryId, string Reason);
