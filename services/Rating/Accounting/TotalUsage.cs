using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.Accounting;

/// <summary>One account of every run in a period: what is billed, unbilled, exempt, unpriced and unfinished adds up to all.</summary>
/// <remarks>A billed run that an adjustment made free is still billed.</remarks>
internal static class TotalUsage
{
    private const string Sql = """
        SELECT count(*) AS runs,
            count(ended_at) AS finished,
            count(receipt_id) AS billed,
            count(*) FILTER (WHERE rating = 'priced' AND receipt_id IS NULL) AS unbilled,
            count(*) FILTER (WHERE rating = 'exempt' AND receipt_id IS NULL) AS exempt,
            count(*) FILTER (WHERE rating = 'unpriced') AS unpriced,
            coalesce(sum(cpus::numeric * charged_seconds) FILTER (WHERE ended_at IS NOT NULL), 0) AS cpu_core_seconds,
            coalesce(sum(gpus::numeric * charged_seconds) FILTER (WHERE ended_at IS NOT NULL), 0) AS gpu_seconds,
            coalesce(sum(memory_mib::numeric * charged_seconds) FILTER (WHERE ended_at IS NOT NULL), 0) AS memory_mib_seconds,
            coalesce(sum(amount_minor), 0)::bigint AS amount_minor,
            coalesce(sum(amount_minor) FILTER (WHERE receipt_id IS NOT NULL), 0)::bigint AS billed_minor,
            min(currency) AS currency,
            (SELECT count(*) FROM superseded_runs AS newer JOIN runs AS told ON told.org_id = newer.org_id AND told.job_key = newer.job_key
                WHERE newer.org_id = @Org AND newer.adjusted_at IS NULL AND newer.waits_for IS NULL
                    AND (@Username::text IS NULL OR newer.billed_to = @Username)
                    AND (@From::timestamptz IS NULL OR told.listed_at >= @From)
                    AND (@To::timestamptz IS NULL OR told.listed_at < @To OR newer.ended_at < @To)) AS corrected
        FROM runs
        WHERE org_id = @Org
            AND (@Username::text IS NULL OR username = @Username)
            AND (@From::timestamptz IS NULL OR listed_at >= @From)
            AND (@To::timestamptz IS NULL OR listed_at < @To)
        """;

    public static void Map(RouteGroupBuilder usage) => usage.MapGet("/totals", HandleAsync);

    private static async Task<IResult> HandleAsync(
        string? user, string? from, string? to, Caller caller, Database database, SiteCalendar calendar, IOptions<RatingOptions> options,
        CancellationToken cancellation)
    {
        if (Whose.Of(caller, user, Whose.Everybody, out var refusal) is not { } whose) return refusal!;
        if (Period.Read(calendar, from, to, out refusal) is not { } period) return refusal!;

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new { Org = caller.OrgId, whose.Username, period.From, period.To };
        var row = await transaction.QuerySingleOrDefaultAsync<Row>(Sql, args, cancellation);
        return TypedResults.Ok(row!.ToView(options.Value.Currency));
    }

    private sealed record Row(
        long Runs, long Finished, long Billed, long Unbilled, long Exempt, long Unpriced, decimal CpuCoreSeconds, decimal GpuSeconds,
        decimal MemoryMibSeconds, long AmountMinor, long BilledMinor, string? Currency, long Corrected)
    {
        public Totals ToView(string currencyOfTheSite) => new(
            Runs, Finished, Billed, Unbilled, Exempt, Unpriced, Hours.Of(CpuCoreSeconds), Hours.Of(GpuSeconds), Hours.OfMib(MemoryMibSeconds),
            AmountMinor, BilledMinor, Currency ?? currencyOfTheSite, Corrected);
    }

    /// <remarks>Corrected: billed runs of which newer facts wait for the next receipt; amounts do not count them yet.</remarks>
    private sealed record Totals(
        long Runs, long Finished, long Billed, long Unbilled, long Exempt, long Unpriced, decimal CpuCoreHours, decimal GpuHours,
        decimal MemoryGibHours, long AmountMinor, long BilledMinor, string Currency, long Corrected);
}
