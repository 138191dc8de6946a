using HpcBilling.Payment.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Payment.RequestingPayment;

/// <summary><c>GET /api/v1/payments?receipt=</c>: own payments, an admin everybody's, newest first.</summary>
internal static class ListPayments
{
    private const int PageRows = 50;

    // The owner is in the predicate: what is another's is not there.
    private const string Sql = """
        SELECT p.id, p.receipt_id, r.number AS receipt_number, r.username, p.provider, p.amount_minor, p.currency, p.status, p.started_by,
               p.reason, p.created_at, p.finished_at
        FROM payments p JOIN payables r ON r.org_id = p.org_id AND r.receipt_id = p.receipt_id
        WHERE p.org_id = @OrgId
          AND (@Owner::text IS NULL OR r.username = @Owner)
          AND (@Receipt::uuid IS NULL OR p.receipt_id = @Receipt)
          AND (@Before::uuid IS NULL OR p.id < @Before)
        ORDER BY p.id DESC LIMIT @Limit
        """;

    public static void Map(RouteGroupBuilder payments) => payments.MapGet("", HandleAsync).RequireAuthorization(Policies.User);

    private static async Task<IResult> HandleAsync(
        Guid? receipt, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        Guid before = default;
        if (!PageCursor.TryDecode(cursor, 1, out string[] key) || (key.Length == 1 && !Guid.TryParse(key[0], out before)))
            return Problems.Invalid("cursor", "must be one that this list gave");

        if (receipt is { } asked && await database.RefuseOtherOrgAsync(PayableView.Receipt, asked, caller, cancellation) is { } refusal) return refusal;
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<Item> rows = await transaction.QueryAsync<Item>(
            Sql,
            new
            {
                caller.OrgId, Owner = caller.IsAdmin ? null : caller.Username, Receipt = receipt, Before = key.Length == 1 ? before : (Guid?)null,
                Limit = PageRows + 1,
            },
            cancellation);
        string? nextCursor = rows.Count > PageRows ? PageCursor.Encode(rows[PageRows - 1].Id.ToString()) : null;
        return TypedResults.Ok(new Page([.. rows.Take(PageRows)], nextCursor));
    }

    internal sealed record Page(IReadOnlyList<Item> Items, string? NextCursor);

    internal sealed record Item(
        Guid Id, Guid ReceiptId, string ReceiptNumber, string Username, string Provider, long AmountMinor, string Currency, PaymentStatus Status,
        string StartedBy, string? Reason, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt);
}
