using HpcBilling.Contracts;
using HpcBilling.Payment.Settling;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.Payment.RequestingPayment;

/// <summary>A receipt was issued: its amount can be paid from now on.</summary>
internal sealed class OpenPayable(TimeProvider clock) : IConsume<ReceiptIssued>
{
    private const string NothingDue = "none";

    private const string OpenSql = """
        INSERT INTO payables (org_id, receipt_id, number, username, amount_minor, currency, opened_at)
        VALUES (@OrgId, @ReceiptId, @Number, @Username, @TotalMinor, @Currency, @At)
        ON CONFLICT (org_id, receipt_id) DO NOTHING
        """;

    private const string PayNothingSql = """
        INSERT INTO payments (org_id, id, receipt_id, provider, amount_minor, currency, status, started_by, created_at, finished_at)
        VALUES (@OrgId, @Id, @ReceiptId, @Provider, 0, @Currency, 'succeeded', 'system', @At, @At)
        """;

    public async Task ConsumeAsync(ReceiptIssued message, OrgTransaction transaction, CancellationToken cancellation)
    {
        DateTimeOffset at = Microseconds.Truncate(clock.GetUtcNow());
        var payable = new { message.OrgId, message.ReceiptId, message.Number, message.Username, message.TotalMinor, message.Currency, At = at };
        bool isNew = await transaction.ExecuteAsync(OpenSql, payable, cancellation) == 1;
        if (isNew && message.TotalMinor == 0) await SettleNothingAsync(message.ReceiptId, at, transaction, cancellation);
    }

    // No provider takes a payment of nothing, so a receipt over nothing is paid as soon as it is issued.
    private static async Task SettleNothingAsync(Guid receiptId, DateTimeOffset at, OrgTransaction transaction, CancellationToken cancellation)
    {
        LockedPayable payable = await LockedPayable.FindAsync(transaction, receiptId, owner: null, cancellation)
            ?? throw new InvalidOperationException($"The payable of receipt {receiptId} is gone.");
        var paymentId = Guid.CreateVersion7(at);
        await transaction.ExecuteAsync(
            PayNothingSql, new { transaction.OrgId, Id = paymentId, payable.ReceiptId, Provider = NothingDue, payable.Currency, At = at }, cancellation);
        var act = new AuditAct("system", "payment.settled", $"receipt:{payable.Number}", Settlement.Facts(payable, paymentId, NothingDue));
        await Settlement.CompleteAsync(transaction, payable, paymentId, NothingDue, at, act, cancellation);
    }
}
