namespace HpcBilling.Contracts;

/// <summary>A receipt was issued; its amount is now owed and never changes.</summary>
/// <param name="OrgId">Tenant.</param>
/// <param name="ReceiptId">Identity of the receipt; business key of the payable it opens.</param>
/// <param name="Number">Number people quote, unique in the org.</param>
/// <param name="Username">Who owes it.</param>
/// <param name="TotalMinor">Amount owed, minor units of <paramref name="Currency"/>; 0 or more.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="IssuedAt">UTC.</param>
public sealed record ReceiptIssued(
    Guid OrgId,
    Guid ReceiptId,
    string Number,
    string Username,
    long TotalMinor,
    string Currency,
    DateTimeOffset IssuedAt);
