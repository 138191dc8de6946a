using System.Globalization;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.Accounting;

/// <summary>Runs with their prices, newest first: all of them, the billed ones, or added up by month, account and partition.</summary>
internal static class ListUsage
{
    private const string Sql = """
        SELECT runs.job_key, runs.job_id, runs.cluster, runs.username, runs.account, runs.partition, runs.qos, runs.state,
            runs.submitted_at, runs.started_at, runs.ended_at, runs.charged_seconds, runs.cpus, runs.gpus, runs.memory_mib, runs.nodes,
            CASE WHEN runs.receipt_id IS NOT NULL THEN 'billed' WHEN runs.rating = 'priced' THEN 'unbilled' ELSE runs.rating END AS status,
            runs.reason, runs.tier, runs.tariff_version, runs.currency, runs.cpu_minor, runs.gpu_minor, runs.memory_minor, runs.amount_minor,
            runs.receipt_id, receipts.number AS receipt_number, runs.listed_at, runs.cpu_used_ms, runs.memory_used_bytes
        FROM runs LEFT JOIN receipts ON receipts.org_id = runs.org_id AND receipts.id = runs.receipt_id
        WHERE runs.org_id = @Org
            AND (@Username::text IS NULL OR runs.username = @Username)
            AND (@From::timestamptz IS NULL OR runs.listed_at >= @From)
            AND (@To::timestamptz IS NULL OR runs.listed_at < @To)
            AND (@BilledOnly IS FALSE OR runs.receipt_id IS NOT NULL)
            AND (@AfterAt::timestamptz IS NULL OR (runs.listed_at, runs.job_key) < (@AfterAt, @AfterKey))
        ORDER BY runs.listed_at DESC, runs.job_key DESC LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder usage) => usage.MapGet("", HandleAsync);

    private static async Task<IResult> HandleAsync(
        [AsParameters] Query query, Caller caller, Database database, SiteCalendar calendar, CancellationToken cancellation)
    {
        if (Whose.Of(caller, query.User, caller.Username, out var refusal) is not { } whose) return refusal!;
        if (Period.Read(calendar, query.From, query.To, out refusal) is not { } period) return refusal!;
        if (!Page.IsLimit(query.Limit)) return Problems.Invalid("limit", $"must be between 1 and {Page.RowsMax}");

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return query.View switch
        {
            null or "detail" => await ListAsync(query, whose, period, billedOnly: false, transaction, cancellation),
            "billed" => await ListAsync(query, whose, period, billedOnly: true, transaction, cancellation),
            "aggregate" => await AggregateUsage.ListAsync(query, whose, period, calendar, transaction, cancellation),
            _ => Problems.Invalid("view", "must be one of: detail, aggregate, billed"),
        };
    }

    private static async Task<IResult> ListAsync(
        Query query, Whose whose, Period period, bool billedOnly, OrgTransaction transaction, CancellationToken cancellation)
    {
        var afterAt = default(DateTimeOffset);
        if (!PageCursor.TryDecode(query.Cursor, 2, out var after)
            || (after.Length > 0 && !DateTimeOffset.TryParseExact(after[0], "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out afterAt)))
        {
            return Problems.Invalid("cursor", "is not one that this list gave");
        }

        var limit = query.Limit ?? Page.RowsDefault;
        var args = new
        {
            Org = transaction.OrgId,
            whose.Username,
            period.From,
            period.To,
            BilledOnly = billedOnly,
            AfterAt = after.Length > 0 ? afterAt : (DateTimeOffset?)null,
            AfterKey = after.ElementAtOrDefault(1),
            Rows = limit + 1,
        };
        var rows = await transaction.QueryAsync<UsageLine>(Sql, args, cancellation);
        return TypedResults.Ok(Page.Of(rows, limit, row => [row.ListedAt.ToString("O", CultureInfo.InvariantCulture), row.JobKey]));
    }

    internal sealed record Query(string? User, string? From, string? To, string? View, string? Cursor, int? Limit);
}

/// <summary>One run as its owner sees it.</summary>
/// <remarks>Status: <c>unfinished</c>, <c>exempt</c> and <c>unpriced</c> (with the reason), <c>unbilled</c>, <c>billed</c>.</remarks>
internal sealed record UsageLine(
    string JobKey, string JobId, string Cluster, string Username, string Account, string Partition, string Qos, string State,
    DateTimeOffset SubmittedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, long ChargedSeconds, long Cpus, long Gpus,
    long MemoryMib, long Nodes, string Status, string? Reason, string Tier, int? TariffVersion, string? Currency, long? CpuMinor,
    long? GpuMinor, long? MemoryMinor, long? AmountMinor, Guid? ReceiptId, string? ReceiptNumber, DateTimeOffset ListedAt,
    long? CpuUsedMs, long? MemoryUsedBytes)
{
    /// <summary>See <see cref="Efficiency.OfCpu"/>.</summary>
    public decimal? CpuEfficiency => EndedAt is null ? null : Efficiency.OfCpu(CpuUsedMs, Cpus, ChargedSeconds);

    /// <summary>See <see cref="Efficiency.OfMemory"/>.</summary>
    public decimal? MemoryEfficiency => EndedAt is null ? null : Efficiency.OfMemory(MemoryUsedBytes, MemoryMib);

    public decimal CpuCoreHours => Hours.Of((decimal)Cpus * ChargedSeconds);

    public decimal GpuHours => Hours.Of((decimal)Gpus * ChargedSeconds);

    public decimal MemoryGibHours => Hours.OfMib((decimal)MemoryMib * ChargedSeconds);
}
