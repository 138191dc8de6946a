using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.Accounting;

/// <summary>Finished runs added up by month of their end (in the site's zone), user, account and partition; newest month first.</summary>
internal static class AggregateUsage
{
    private const string Sql = """
        SELECT * FROM (
            SELECT to_char(ended_at AT TIME ZONE @Zone, 'YYYY-MM') AS month, username, account, partition,
                count(*) AS runs, count(receipt_id) AS billed,
                sum(cpus::numeric * charged_seconds) AS cpu_core_seconds, sum(gpus::numeric * charged_seconds) AS gpu_seconds,
                sum(memory_mib::numeric * charged_seconds) AS memory_mib_seconds,
                coalesce(sum(amount_minor), 0)::bigint AS amount_minor,
                coalesce(sum(amount_minor) FILTER (WHERE receipt_id IS NOT NULL), 0)::bigint AS billed_minor, min(currency) AS currency
            FROM runs
            WHERE org_id = @Org AND ended_at IS NOT NULL
                AND (@Username::text IS NULL OR username = @Username)
                AND (@From::timestamptz IS NULL OR listed_at >= @From)
                AND (@To::timestamptz IS NULL OR listed_at < @To)
            GROUP BY 1, 2, 3, 4) AS months
        WHERE @Month::text IS NULL OR month < @Month OR (month = @Month AND (username, account, partition) > (@AfterUsername, @Account, @Partition))
        ORDER BY month DESC, username, account, partition LIMIT @Rows
        """;

    public static async Task<IResult> ListAsync(
        ListUsage.Query query, Whose whose, Period period, SiteCalendar calendar, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (!PageCursor.TryDecode(query.Cursor, 4, out var after)) return Problems.Invalid("cursor", "is not one that this list gave");
        var limit = query.Limit ?? Page.RowsDefault;
        var args = new
        {
            Org = transaction.OrgId,
            whose.Username,
            period.From,
            period.To,
            Zone = calendar.ZoneId,
            Month = after.ElementAtOrDefault(0),
            AfterUsername = after.ElementAtOrDefault(1),
            Account = after.ElementAtOrDefault(2),
            Partition = after.ElementAtOrDefault(3),
            Rows = limit + 1,
        };
        var rows = await transaction.QueryAsync<Row>(Sql, args, cancellation);
        var page = Page.Of(rows, limit, row => [row.Month, row.Username, row.Account, row.Partition]);
        return TypedResults.Ok(new Page<MonthOfUsage>([.. page.Items.Select(row => row.ToView())], page.NextCursor));
    }

    private sealed record Row(
        string Month, string Username, string Account, string Partition, long Runs, long Billed, decimal CpuCoreSeconds, decimal GpuSeconds,
        decimal MemoryMibSeconds, long AmountMinor, long BilledMinor, string? Currency)
    {
        public MonthOfUsage ToView() => new(
            Month, Username, Account, Partition, Runs, Billed, Hours.Of(CpuCoreSeconds), Hours.Of(GpuSeconds), Hours.OfMib(MemoryMibSeconds),
            AmountMinor, BilledMinor, Currency);
    }

    private sealed record MonthOfUsage(
        string Month, string Username, string Account, string Partition, long Runs, long Billed, decimal CpuCoreHours, decimal GpuHours,
        decimal MemoryGibHours, long AmountMinor, long BilledMinor, string? Currency);
}
