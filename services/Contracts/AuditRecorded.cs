namespace HpcBilling.Contracts;

/// <summary>Somebody did, or tried to do, something that must be provable later.</summary>
/// <param name="OrgId">Tenant whose chain it joins.</param>
/// <param name="EntryId">Identity of the act; business key of the audit entry.</param>
/// <param name="OccurredAt">UTC, microseconds.</param>
/// <param name="Service">Service that records it.</param>
/// <param name="Actor">Username, <c>client:name</c>, <c>provider:name</c> or <c>system</c>.</param>
/// <param name="Action">Noun and verb, dotted: <c>login.success</c>, <c>receipt.issued</c>.</param>
/// <param name="Subject">What it was done to: <c>receipt:R-2026-000001</c>, <c>user:alice</c>.</param>
/// <param name="Details">Facts by name; never a secret, a password, a token or a card number.</param>
/// <param name="IpAddress">Caller's address where there is one.</param>
public sealed record AuditRecorded(
    Guid OrgId,
    Guid EntryId,
    DateTimeOffset OccurredAt,
    string Service,
    string Actor,
    string Action,
    string Subject,
    IReadOnlyDictionary<string, string> Details,
    string? IpAddress);
