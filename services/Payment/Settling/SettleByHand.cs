using HpcBilling.Payment.Domain;
using HpcBilling.Payment.RequestingPayment;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Payment.Settling;

/// <summary><c>POST /api/v1/payments/receipts/{id}/settle</c>: an admin has the money by another way, and says which.</summary>
internal static class SettleByHand
{
    private const string Provider = "manual";
    private const int ReasonCharsMax = 500;

    private const string PaySql = """
        INSERT INTO payments (org_id, id, receipt_id, provider, amount_minor, currency, status, started_by, reason, created_at, finished_at)
        VALUES (@OrgId, @Id, @ReceiptId, @Provider, @AmountMinor, @Currency, 'succeeded', @StartedBy, @Reason, @At, @At)
        """;

    public static void Map(RouteGroupBuilder payments) => payments.MapPost("/receipts/{id:guid}/settle", HandleAsync)
        .RefusesOtherOrgs(PayableView.Receipt).RequireAuthorization(Policies.Admin, Policies.Scope("payments.write"));

    private static async Task<IResult> HandleAsync(
        Guid id, Body body, Caller caller, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        string reason = (body.Reason ?? "").Trim();
        if (reason.Length is 0 or > ReasonCharsMax || reason.Contains('\0'))
            return Problems.Invalid("reason", $"must say in 1 to {ReasonCharsMax} characters how the money came");

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        LockedPayable? payable = await LockedPayable.FindAsync(transaction, id, owner: null, cancellation);
        if (payable is null) return Problems.NotFound("receipt");
        if (payable.Status == PayableStatus.Settled) return Problems.Conflict($"Receipt {payable.Number} is settled already.");

        DateTimeOffset at = Microseconds.Truncate(clock.GetUtcNow());
        var paymentId = Guid.CreateVersion7(at);
        await transaction.ExecuteAsync(
            PaySql,
            new
            {
                caller.OrgId, Id = paymentId, payable.ReceiptId, Provider, payable.AmountMinor, payable.Currency, StartedBy = caller.Username,
                Reason = reason, At = at,
            },
            cancellation);
        Dictionary<string, string> facts = Settlement.Facts(payable, paymentId, Provider);
        facts["reason"] = reason;
        await Settlement.CompleteAsync(
            transaction, payable, paymentId, Provider, at, caller.Act("payment.settled_manually", $"receipt:{payable.Number}", facts), cancellation);
        await transaction.CommitAsync(cancellation);
        return TypedResults.Ok(new Settled(paymentId, payable.ReceiptId, payable.Number, Provider, payable.AmountMinor, payable.Currency, at));
    }

    internal sealed record Body(string? Reason);

    internal sealed record Settled(
        Guid PaymentId, Guid ReceiptId, string ReceiptNumber, string Provider, long AmountMinor, string Currency, DateTimeOffset SettledAt);
}
