using System.Globalization;
using HpcBilling.Contracts;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.Rating.SettlingReceipts;

/// <summary>A payment was settled: its receipt becomes paid, once. What does not fit changes nothing and is recorded for somebody to see.</summary>
internal sealed class SettleReceipt(ILogger<SettleReceipt> log) : IConsume<PaymentSettled>
{
    private const string FindSql = """
        SELECT number, status, total_minor, currency, payment_id FROM receipts WHERE org_id = @OrgId AND id = @ReceiptId FOR UPDATE
        """;

    private const string PaySql = """
        UPDATE receipts SET status = 'paid', settled_at = @SettledAt, provider = @Provider, payment_id = @PaymentId
        WHERE org_id = @OrgId AND id = @ReceiptId AND status = 'issued'
        """;

    public async Task ConsumeAsync(PaymentSettled message, OrgTransaction transaction, CancellationToken cancellation)
    {
        // This service issued every receipt there is, in a transaction that was over before anybody could pay it: an unknown one is an
        // error for a person to look at, and the dead letter keeps it.
        var row = await transaction.QuerySingleOrDefaultAsync<Row>(FindSql, message, cancellation)
            ?? throw new InvalidOperationException($"Payment {message.PaymentId} settles receipt {message.ReceiptId}, which does not exist.");
        var outcome = SettleOutcome.Decide(row.State, message.PaymentId, message.AmountMinor, message.Currency);
        switch (outcome)
        {
            case SettleOutcome.Settled:
                if (await transaction.ExecuteAsync(PaySql, message, cancellation) != 1)
                    throw new InvalidOperationException($"Receipt {row.Number} was issued under its lock, and is not.");
                await AuditAsync("receipt.paid", row, message, null, transaction, cancellation);
                break;
            case SettleOutcome.AlreadySettled:
                break;
            case SettleOutcome.AmountMismatch mismatch:
                await RefuseAsync("settlement.mismatch", row, message, $"{mismatch.Expected} was owed", transaction, cancellation);
                break;
            case SettleOutcome.SettledByAnother another:
                await RefuseAsync("settlement.duplicate", row, message, $"payment {another.PaymentId} settled it before", transaction, cancellation);
                break;
            case SettleOutcome.ReceiptIsVoid:
                await RefuseAsync("settlement.void", row, message, "the receipt is void", transaction, cancellation);
                break;
            case SettleOutcome.CreditNote:
                await RefuseAsync("settlement.credit_note", row, message, "a credit note is paid back, not paid", transaction, cancellation);
                break;
            default:
                throw new InvalidOperationException($"No answer for {outcome}.");
        }
    }

    private Task RefuseAsync(
        string action, Row row, PaymentSettled message, string reason, OrgTransaction transaction, CancellationToken cancellation)
    {
        RatingMetrics.SettlementsRefused.Add(1, new KeyValuePair<string, object?>("reason", action));
        log.LogError("Payment {Payment} does not settle receipt {Receipt}: {Reason}", message.PaymentId, row.Number, reason);
        return AuditAsync(action, row, message, reason, transaction, cancellation);
    }

    private static Task AuditAsync(
        string action, Row row, PaymentSettled message, string? reason, OrgTransaction transaction, CancellationToken cancellation)
    {
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["receiptId"] = message.ReceiptId.ToString(),
            ["paymentId"] = message.PaymentId.ToString(),
            ["amountMinor"] = message.AmountMinor.ToString(CultureInfo.InvariantCulture),
            ["currency"] = message.Currency,
        };
        if (reason is not null) details["reason"] = reason;
        return transaction.AuditAsync(new AuditAct($"provider:{message.Provider}", action, $"receipt:{row.Number}", details), cancellation);
    }

    private sealed record Row(string Number, string Status, long TotalMinor, string Currency, Guid? PaymentId)
    {
        public ReceiptState State =>
            new(Enum.Parse<ReceiptStatus>(Status, ignoreCase: true), new Money(TotalMinor, Domain.Currency.Of(Currency)), PaymentId);
    }
}
