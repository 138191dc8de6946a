using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.Accounting;

/// <summary>A receipt with its lines, page by page; <c>/items</c> gives the runs alone, <c>/adjustments</c> what corrects runs of earlier receipts.</summary>
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

    private const string AdjustmentsSql = """
        SELECT line, job_key, revision, corrects, receipts.number AS corrects_number, changed, reason, cluster, job_id, account, partition, qos,
            state, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, before_ended_at, before_charged_seconds, before_cpus,
            before_gpus, before_memory_mib, tier, tariff_version, receipt_adjustments.currency, before_cpu_minor, before_gpu_minor,
            before_memory_minor, before_minor, cpu_minor, gpu_minor, memory_minor, amount_minor, difference_minor
        FROM receipt_adjustments JOIN receipts ON receipts.org_id = receipt_adjustments.org_id AND receipts.id = corrects
        WHERE receipt_adjustments.org_id = @Org AND receipt_id = @Id AND line > @After ORDER BY line LIMIT @Rows
        """;

    internal static readonly OrgOwned Receipt = new("receipt", "SELECT org_id FROM receipts WHERE id = @Id");

    public static void Map(RouteGroupBuilder receipts)
    {
        foreach (var (path, lines) in new[] { ("", Lines.All), ("/items", Lines.Runs), ("/adjustments", Lines.Adjustments) })
        {
            receipts.MapGet($"/{{id:guid}}{path}", (Guid id, [AsParameters] Query query, Caller caller, Database database, CancellationToken cancellation) =>
                HandleAsync(id, query, lines, caller, database, cancellation)).RefusesOtherOrgs(Receipt);
        }
    }

    private static async Task<IResult> HandleAsync(
        Guid id, Query query, Lines lines, Caller caller, Database database, CancellationToken cancellation)
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

        if (lines == Lines.Adjustments)
            return TypedResults.Ok(Page.Of(await transaction.QueryAsync<AdjustmentView>(AdjustmentsSql, args, cancellation), limit, line => CursorOf(line.Line)));
        var items = Page.Of(await transaction.QueryAsync<ItemView>(ItemsSql, args, cancellation), limit, item => CursorOf(item.Line));
        if (lines == Lines.Runs) return TypedResults.Ok(items);

        // Adjustments are numbered on after the runs, and begin on the page where these end.
        var rest = new Page<AdjustmentView>([], items.NextCursor);
        if (items.NextCursor is null && receipt.Adjustments > 0)
        {
            var adjustments = await transaction.QueryAsync<AdjustmentView>(AdjustmentsSql, args, cancellation);
            var room = limit - items.Items.Count;
            rest = room == 0
                ? new Page<AdjustmentView>([], PageCursor.Encode(CursorOf(items.Items[^1].Line)))
                : Page.Of(adjustments, room, line => CursorOf(line.Line));
        }

        return TypedResults.Ok(receipt.ToView() with { Items = items.Items, AdjustmentItems = rest.Items, NextCursor = rest.NextCursor });
    }

    private static string[] CursorOf(int line) => [line.ToString(CultureInfo.InvariantCulture)];

    private enum Lines
    {
        All,
        Runs,
        Adjustments,
    }

    internal sealed record Query(string? Cursor, int? Limit);
}
