using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.Accounting;

/// <summary>Receipts and credit notes, newest first.</summary>
internal static class ListReceipts
{
    private static readonly string[] Statuses = ["issued", "paid", "refunded", "void"];
    private static readonly string[] Kinds = ["receipt", "credit_note"];

    // Ids are made in the order of time, so that they sort as the receipts were issued.
    private const string Sql = $"""
        SELECT {ReceiptRow.Columns} FROM receipts
        WHERE org_id = @Org
            AND (@Username::text IS NULL OR username = @Username)
            AND (@Status::text IS NULL OR status = @Status)
            AND (@Kind::text IS NULL OR kind = @Kind)
            AND (@After::uuid IS NULL OR id < @After)
        ORDER BY id DESC LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder receipts) => receipts.MapGet("", HandleAsync);

    private static async Task<IResult> HandleAsync(
        string? user, string? status, string? kind, string? cursor, int? limit, Caller caller, Database database, CancellationToken cancellation)
    {
        if (Whose.Of(caller, user, Whose.Everybody, out var refusal) is not { } whose) return refusal!;
        if (status is not null && !Statuses.Contains(status, StringComparer.Ordinal))
            return Problems.Invalid("status", $"must be one of: {string.Join(", ", Statuses)}");
        if (kind is not null && !Kinds.Contains(kind, StringComparer.Ordinal)) return Problems.Invalid("kind", $"must be one of: {string.Join(", ", Kinds)}");
        if (!Page.IsLimit(limit)) return Problems.Invalid("limit", $"must be between 1 and {Page.RowsMax}");
        var afterId = Guid.Empty;
        if (!PageCursor.TryDecode(cursor, 1, out var after) || (after.Length > 0 && !Guid.TryParse(after[0], out afterId)))
            return Problems.Invalid("cursor", "is not one that this list gave");

        var rows = limit ?? Page.RowsDefault;
        var args = new { Org = caller.OrgId, whose.Username, Status = status, Kind = kind, After = after.Length > 0 ? afterId : (Guid?)null, Rows = rows + 1 };
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var receipts = await transaction.QueryAsync<ReceiptRow>(Sql, args, cancellation);
        var page = Page.Of(receipts, rows, receipt => [receipt.Id.ToString()]);
        return TypedResults.Ok(new Page<ReceiptView>([.. page.Items.Select(receipt => receipt.ToView())], page.NextCursor));
    }
}
