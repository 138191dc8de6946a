using HpcBilling.Rating.Accounting;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.SettlingReceipts;

/// <summary>
/// POST /api/v1/receipts/{id}/refund: an admin has paid a credit note back, and says how. The money moves elsewhere; the same words again
/// record nothing twice.
/// </summary>
internal static class RefundCreditNote
{
    private const string Provider = "manual";
    private const int NoteCharsMax = 500;

    private const string FindSql = $"SELECT {ReceiptRow.Columns} FROM receipts WHERE org_id = @Org AND id = @Id FOR UPDATE";

    private const string RefundSql = """
        UPDATE receipts SET status = 'refunded', settled_at = @At, provider = @Provider, refunded_by = @By, refund_note = @Note
        WHERE org_id = @Org AND id = @Id AND kind = 'credit_note' AND status = 'issued'
        """;

    public static void Map(RouteGroupBuilder receipts) => receipts.MapPost("/{id:guid}/refund", HandleAsync)
        .RefusesOtherOrgs(ReadReceipt.Receipt).RequireAuthorization(Policies.Admin, Policies.Scope("receipts.write"));

    private static async Task<IResult> HandleAsync(
        Guid id, Body body, Caller caller, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        var note = (body.Note ?? "").Trim();
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new { Org = caller.OrgId, Id = id, At = Microseconds.Truncate(clock.GetUtcNow()), Provider, By = caller.Username, Note = note };
        if (await transaction.QuerySingleOrDefaultAsync<ReceiptRow>(FindSql, args, cancellation) is not { } row) return Problems.NotFound("receipt");
        if (note.Length is 0 or > NoteCharsMax || note.Contains('\0'))
            return Problems.Invalid("note", $"must say in 1 to {NoteCharsMax} characters how the money went back");
        switch (RefundOutcome.Decide(ReceiptKinds.Of(row.TotalMinor), Enum.Parse<ReceiptStatus>(row.Status, ignoreCase: true), row.RefundNote, note))
        {
            case RefundOutcome.NotACreditNote:
                return Problems.Conflict($"{row.Number} is a receipt; only a credit note is paid back.");
            case RefundOutcome.RefundedOtherwise:
                return Problems.Conflict($"{row.Number} was paid back before: {row.RefundNote}");
            case RefundOutcome.AlreadyRefunded:
                return TypedResults.Ok(row.ToView());
            case RefundOutcome.Refunded:
                if (await transaction.ExecuteAsync(RefundSql, args, cancellation) != 1)
                    throw new InvalidOperationException($"Credit note {row.Number} was issued under its lock, and is not.");
                break;
            case var unknown:
                throw new InvalidOperationException($"No answer for {unknown}.");
        }

        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["receiptId"] = id.ToString(),
            ["username"] = row.Username,
            ["total"] = new Money(row.TotalMinor, Domain.Currency.Of(row.Currency)).ToString(),
            ["note"] = note,
        };
        await transaction.AuditAsync(caller.Act("credit_note.refunded", $"receipt:{row.Number}", details), cancellation);
        var refunded = await transaction.QuerySingleOrDefaultAsync<ReceiptRow>(FindSql, args, cancellation);
        await transaction.CommitAsync(cancellation);
        return TypedResults.Ok(refunded!.ToView());
    }

    internal sealed record Body(string? Note);
}
