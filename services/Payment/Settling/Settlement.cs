using System.Globalization;
using HpcBilling.Contracts;
using HpcBilling.Payment.Domain;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Payment.Settling;

/// <summary>A receipt's payable, locked to the end of the transaction: all that decides about one receipt takes turns here.</summary>
internal sealed record LockedPayable(Guid ReceiptId, string Number, string Username, long AmountMinor, string Currency, PayableStatus Status)
{
    private const string Sql = """
        SELECT receipt_id, number, username, amount_minor, currency, status FROM payables
        WHERE org_id = @OrgId AND receipt_id = @ReceiptId AND (@Owner::text IS NULL OR username = @Owner) FOR UPDATE
        """;

    public Amount Amount => new(AmountMinor, Currency);

    /// <param name="transaction">The org's transaction, which holds the lock.</param>
    /// <param name="receiptId">The receipt.</param>
    /// <param name="owner">Who must owe it; null for whom the owner does not matter: providers and admins.</param>
    /// <param name="cancellation">Cancels the statement.</param>
    public static Task<LockedPayable?> FindAsync(OrgTransaction transaction, Guid receiptId, string? owner, CancellationToken cancellation) =>
        transaction.QuerySingleOrDefaultAsync<LockedPayable>(Sql, new { transaction.OrgId, ReceiptId = receiptId, Owner = owner }, cancellation);
}

/// <summary>The end of a payable, the same for every way to get there: payable settled, <see cref="PaymentSettled"/> said, act on record.</summary>
internal static class Settlement
{
    private const string SettleSql = """
        UPDATE payables SET status = 'settled', settled_at = @At, settled_by = @PaymentId
        WHERE org_id = @OrgId AND receipt_id = @ReceiptId AND status = 'open'
        """;

    /// <summary>Call with the payment's own row written as succeeded in the same transaction.</summary>
    public static async Task CompleteAsync(
        OrgTransaction transaction, LockedPayable payable, Guid paymentId, string provider, DateTimeOffset at, AuditAct act, CancellationToken cancellation)
    {
        var args = new { transaction.OrgId, payable.ReceiptId, PaymentId = paymentId, At = at };
        if (await transaction.ExecuteAsync(SettleSql, args, cancellation) != 1)
            throw new InvalidOperationException($"The payable of receipt {payable.Number} was not open although it was locked as such.");

        await transaction.EnqueueAsync(
            new PaymentSettled(transaction.OrgId, paymentId, payable.ReceiptId, provider, payable.AmountMinor, payable.Currency, at), cancellation);
        await transaction.AuditAsync(act, cancellation);
    }

    /// <summary>What every act about a payment says of it.</summary>
    public static Dictionary<string, string> Facts(LockedPayable payable, Guid paymentId, string provider) => new(StringComparer.Ordinal)
    {
        ["paymentId"] = paymentId.ToString(),
        ["provider"] = provider,
        ["amountMinor"] = payable.AmountMinor.ToString(CultureInfo.InvariantCulture),
        ["currency"] = payable.Currency,
        ["owner"] = payable.Username,
    };
}
