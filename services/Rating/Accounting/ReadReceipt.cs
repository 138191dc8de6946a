using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.Accounting;

/// <summary>A receipt with its lines, page by page; <c>/items</c> gives the lines alone.</summary>
internal static class ReadReceipt
{
    // The owner is in the predicate: a stranger's receipt is not found, not "found and then refused".
    private const string ReceiptSql = $"""
        SELECT {ReceiptRow.Columns} FROM receipts
        WHERE org_id = @Org AND id = @Id AND (@Username::text IS NULL OR username = @Username)
        """;

    private const string ItemsSql = """
        SELECT line, job_key, cluster, job_id, account, partition, qos, state, started_at, ended_at, charged_seconds, cpus, gpus,
            memory_mib, tier, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor
        FROM receipt_items WHERE org_id = @Org AND receipt_id = @Id AND line > @After ORDER BY line LIMIT @Rows
        """;

    private static readonly OrgOwned Receipt = new("receipt", "SELECT org_id FROM receipts WHERE id = @Id");

    public static void Map(RouteGroupBuilder receipts)
    {
        receipts.MapGet("/{id:guid}", (Guid id, [AsParameters] Query query, Caller caller, Database database, CancellationToken cancellation) =>
            HandleAsync(id, query, itemsOnly: false, caller, database, cancellation)).RefusesOtherOrgs(Receipt);
        receipts.MapGet("/{id:guid}/items", (Guid id, [AsParameters] Query query, Caller caller, Database database, CancellationToken cancellation) =>
            HandleAsync(id, query, itemsOnly: true, caller, database, cancellation)).RefusesOtherOrgs(Receipt);
    }

    private static async Task<IResult> HandleAsync(
        Guid id, Query query, bool itemsOnly, Caller caller, Database database, CancellationToken cancellation)
    {
        if (!Page.IsLimit(query.Limit)) return Problems.Invalid("limit", $"must be between 1 and {Page.RowsMax}");
        var afterLine = 0;
        if (!PageCursor.TryDecode(query.Cursor, 1, out var after)
            || (after.Length > 0 && !int.TryParse(after[0], CultureInfo.InvariantCulture, out afterLine)))
        {
            return Problems.Invalid("cursor", "is not one that this list gave");
        }

        var limit = query.Limit ?? Page.RowsDefault;
        var args = new { Org = caller.OrgId, Id = id, Username = caller.IsAdmin ? null : caller.Username, After = afterLine, Rows = limit + 1 };
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        if (await transaction.QuerySingleOrDefaultAsync<ReceiptRow>(ReceiptSql, args, cancellation) is not { } receipt)
            return Problems.NotFound("receipt");

        var items = await transaction.QueryAsync<ItemView>(ItemsSql, args, cancellation);
        var page = Page.Of(items, limit, item => [item.Line.ToString(CultureInfo.InvariantCulture)]);
        return itemsOnly ? TypedResults.Ok(page) : TypedResults.Ok(receipt.ToView() with { Items = page.Items, NextCursor = page.NextCursor });
    }

    internal sealed record Query(string? Cursor, int? Limit);
}
