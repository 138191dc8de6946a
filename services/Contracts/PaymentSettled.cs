namespace HpcBilling.Contracts;

/// <summary>A payable was settled in full: by a provider's payment or by an admin's hand.</summary>
/// <param name="OrgId">Tenant.</param>
/// <param name="PaymentId">The payment that settled it.</param>
/// <param name="ReceiptId">The receipt that is now paid.</param>
/// <param name="Provider">Name of the payment provider, or <c>manual</c>.</param>
/// <param name="AmountMinor">Minor units of <paramref name="Currency"/>; equals the receipt's total.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="SettledAt">UTC.</param>
public sealed record PaymentSettled(
    Guid OrgId,
    Guid PaymentId,
    Guid ReceiptId,
    string Provider,
    long AmountMinor,
    string Currency,
    DateTimeOffset SettledAt);
