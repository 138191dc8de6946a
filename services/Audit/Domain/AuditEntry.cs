namespace HpcBilling.Audit.Domain;

/// <summary>One act, at its place in the chain of its org. Every field is under the hash.</summary>
/// <param name="OrgId">Tenant; each has a chain of its own.</param>
/// <param name="Seq">Place in the chain, from 1 without a gap.</param>
/// <param name="EntryId">Identity of the act; one act is one entry, however often it is reported.</param>
/// <param name="OccurredAt">UTC, microseconds: when the service that acted says it happened.</param>
/// <param name="RecordedAt">UTC, microseconds: when it joined the chain.</param>
/// <param name="Service">Service that recorded it.</param>
/// <param name="Actor">Who did it.</param>
/// <param name="Action">What was done: <c>receipt.issued</c>.</param>
/// <param name="Subject">To what it was done: <c>receipt:R-2026-000001</c>.</param>
/// <param name="Details">Facts by name, within <see cref="EntryLimits"/>.</param>
/// <param name="IpAddress">Caller's address; null where there is none, never empty.</param>
internal sealed record AuditEntry(
    Guid OrgId,
    long Seq,
    Guid EntryId,
    DateTimeOffset OccurredAt,
    DateTimeOffset RecordedAt,
    string Service,
    string Actor,
    string Action,
    string Subject,
    IReadOnlyDictionary<string, string> Details,
    string? IpAddress);

/// <summary>An entry with the two hashes that hold it in its place.</summary>
/// <param name="Entry">What is sealed.</param>
/// <param name="PrevHash">Hash of the entry before it, 64 lower-case hex digits; <see cref="HashChain.Genesis"/> for the first.</param>
/// <param name="Hash">SHA-256 over <paramref name="PrevHash"/> and the canonical record, 64 lower-case hex digits.</param>
internal sealed record SealedEntry(AuditEntry Entry, string PrevHash, string Hash);
