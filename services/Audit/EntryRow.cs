using HpcBilling.Audit.Domain;

namespace HpcBilling.Audit;

/// <summary>A row of <c>audit_entries</c> as it stands in the database, honest or not.</summary>
internal sealed record EntryRow(
    Guid OrgId,
    long Seq,
    Guid EntryId,
    DateTimeOffset OccurredAt,
    DateTimeOffset RecordedAt,
    string Service,
    string Actor,
    string Action,
    string Subject,
    string Details,
    string? IpAddress,
    string PrevHash,
    string Hash)
{
    public const string Columns = """
        org_id, seq, entry_id, occurred_at, recorded_at, service, actor, action, subject, details::text AS details, ip_address, prev_hash, hash
        """;

    public SealedEntry ToSealed() => new(
        new AuditEntry(OrgId, Seq, EntryId, OccurredAt, RecordedAt, Service, Actor, Action, Subject, ReadDetails(), IpAddress), PrevHash, Hash);

    // Details that this service did not write must not stop a verification: they are shown as they are, and give another hash.
    private Dictionary<string, string> ReadDetails() => DetailsJson.TryRead(Details, out Dictionary<string, string> details)
        ? details
        : new Dictionary<string, string>(StringComparer.Ordinal) { ["_unreadable"] = Details };
}
