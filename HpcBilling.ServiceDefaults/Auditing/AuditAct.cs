namespace HpcBilling.ServiceDefaults.Auditing;

/// <summary>An act to be recorded in the tamper-evident log, with the transaction that it belongs to.</summary>
/// <param name="Actor">Username, <c>client:name</c>, <c>provider:name</c> or <c>system</c>.</param>
/// <param name="Action">Noun and verb, dotted: <c>receipt.issued</c>.</param>
/// <param name="Subject">What it was done to: <c>receipt:R-2026-000001</c>.</param>
/// <param name="Details">Facts by name; never a secret.</param>
/// <param name="IpAddress">Client address, where there is one.</param>
public sealed record AuditAct(
    string Actor, string Action, string Subject, IReadOnlyDictionary<string, string>? Details = null, string? IpAddress = null);
