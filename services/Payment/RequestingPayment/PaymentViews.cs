using HpcBilling.Payment.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Payment.RequestingPayment;

/// <summary>What the start page shows.</summary>
internal sealed record PayableView(Guid ReceiptId, string Number, long AmountMinor, string Currency, PayableStatus Status)
{
    // The owner is in the predicate, whatever his role: an admin does not pay for users.
    private const string Sql = """
        SELECT receipt_id, number, amount_minor, currency, status FROM payables
        WHERE org_id = @OrgId AND username = @Username AND receipt_id = @ReceiptId
        """;

    /// <summary>A receipt as this service knows it.</summary>
    public static readonly OrgOwned Receipt = new("receipt", "SELECT org_id FROM payables WHERE receipt_id = @Id");

    public static async Task<PayableView?> FindAsync(Database database, Caller caller, Guid receiptId, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return await transaction.QuerySingleOrDefaultAsync<PayableView>(
            Sql, new { caller.OrgId, caller.Username, ReceiptId = receiptId }, cancellation);
    }
}

/// <summary>What the page after the checkout shows.</summary>
internal sealed record PaymentView(
    Guid Id, Guid ReceiptId, string Number, long AmountMinor, string Currency, PaymentStatus Status, PayableStatus PayableStatus)
{
    private const string Sql = """
        SELECT p.id, p.receipt_id, r.number, p.amount_minor, p.currency, p.status, r.status AS payable_status
        FROM payments p JOIN payables r ON r.org_id = p.org_id AND r.receipt_id = p.receipt_id
        WHERE p.org_id = @OrgId AND r.username = @Username AND p.id = @PaymentId
        """;

    public static readonly OrgOwned Payment = new("payment", "SELECT org_id FROM payments WHERE id = @Id");

    public static async Task<PaymentView?> FindAsync(Database database, Caller caller, Guid paymentId, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return await transaction.QuerySingleOrDefaultAsync<PaymentView>(
            Sql, new { caller.OrgId, caller.Username, PaymentId = paymentId }, cancellation);
    }
}
