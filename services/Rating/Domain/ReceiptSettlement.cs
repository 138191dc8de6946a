namespace HpcBilling.Rating.Domain;

/// <summary>States of a receipt: <c>issued → paid | void</c>; of a credit note: <c>issued → refunded</c>.</summary>
internal enum ReceiptStatus
{
    Issued,
    Paid,
    Void,
    Refunded,
}

/// <summary>What of a receipt a settlement depends on.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="Total">What was owed.</param>
/// <param name="PaymentId">The payment that settled it; null while unpaid, and for a receipt that owed nothing.</param>
internal sealed record ReceiptState(ReceiptStatus Status, Money Total, Guid? PaymentId);

/// <summary>What a settled payment means for a receipt.</summary>
internal abstract record SettleOutcome
{
    private SettleOutcome()
    {
    }

    internal sealed record Settled : SettleOutcome;
    internal sealed record AlreadySettled : SettleOutcome;

    /// <summary>Refused: money came for a receipt that another payment had settled; somebody must look.</summary>
    internal sealed record SettledByAnother(Guid? PaymentId) : SettleOutcome;
    internal sealed record AmountMismatch(Money Expected, long ReceivedMinor, string ReceivedCurrency) : SettleOutcome;
    internal sealed record ReceiptIsVoid : SettleOutcome;

    /// <summary>Refused: money came for what is to be paid back.</summary>
    internal sealed record CreditNote : SettleOutcome;

    public static SettleOutcome Decide(ReceiptState receipt, Guid paymentId, long amountMinor, string currency) => receipt switch
    {
        { Total.Minor: < 0 } => new CreditNote(),
        { Status: ReceiptStatus.Paid } when receipt.PaymentId == paymentId => new AlreadySettled(),
        _ when amountMinor != receipt.Total.Minor || !string.Equals(currency, receipt.Total.Currency.Code, StringComparison.Ordinal)
            => new AmountMismatch(receipt.Total, amountMinor, currency),
        { Status: ReceiptStatus.Issued } => new Settled(),
        { Status: ReceiptStatus.Paid, Total.Minor: 0 } => new AlreadySettled(),
        { Status: ReceiptStatus.Paid } => new SettledByAnother(receipt.PaymentId),
        { Status: ReceiptStatus.Void } => new ReceiptIsVoid(),
        _ => throw new InvalidOperationException($"No such receipt status: {receipt.Status}."),
    };
}
