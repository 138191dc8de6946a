using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.RatingUsage;

/// <summary>Prices unbilled runs anew after a tariff was published or a user's tier changed; the caller holds the price book.</summary>
internal sealed class Repricing(IOptions<RatingOptions> options)
{
    private const int PageRowsMax = 5000;

    private const string PageSql = """
        SELECT job_key, username, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib FROM runs
        WHERE org_id = @Org AND job_key > @After AND receipt_id IS NULL AND rating IN ('priced', 'unpriced')
            AND (@Username::text IS NULL OR username = @Username)
            AND (@From::timestamptz IS NULL OR ended_at >= @From)
            AND (@Tier::text IS NULL OR @Tier = coalesce(
                (SELECT tier FROM user_tiers WHERE user_tiers.org_id = @Org AND user_tiers.username = runs.username), @DefaultTier))
        ORDER BY job_key LIMIT @PageRowsMax FOR UPDATE
        """;

    private const string UpdateSql = """
        UPDATE runs SET rating = fresh.rating, reason = fresh.reason, tier = fresh.tier, tariff_version = fresh.tariff_version,
            currency = fresh.currency, cpu_minor = fresh.cpu_minor, gpu_minor = fresh.gpu_minor, memory_minor = fresh.memory_minor,
            amount_minor = fresh.amount_minor
        FROM unnest(@JobKeys, @Ratings, @Reasons, @Tiers, @TariffVersions, @Currencies, @CpuMinors, @GpuMinors, @MemoryMinors, @AmountMinors)
            AS fresh (job_key, rating, reason, tier, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor)
        WHERE runs.org_id = @Org AND runs.job_key = fresh.job_key AND runs.receipt_id IS NULL
        """;

    /// <summary>Runs of one user, whenever they ended.</summary>
    public Task<int> OfUserAsync(string username, OrgTransaction transaction, CancellationToken cancellation) =>
        RunAsync(username, null, null, transaction, cancellation);

    /// <summary>Runs of a tier's users that ended at or after <paramref name="from"/>; null for all of them.</summary>
    public Task<int> OfTierAsync(string tier, DateTimeOffset? from, OrgTransaction transaction, CancellationToken cancellation) =>
        RunAsync(null, tier, from, transaction, cancellation);

    private async Task<int> RunAsync(
        string? username, string? tier, DateTimeOffset? from, OrgTransaction transaction, CancellationToken cancellation)
    {
        var tariffs = await PriceBook.TariffsAsync(transaction, cancellation);
        var after = "";
        var repriced = 0;
        while (true)
        {
            var args = new { Org = transaction.OrgId, After = after, Username = username, Tier = tier, From = from, options.Value.DefaultTier, PageRowsMax };
            var page = await transaction.QueryAsync<Row>(PageSql, args, cancellation);
            if (page.Count == 0) return repriced;

            await UpdateAsync(page, tariffs, transaction, cancellation);
            repriced += page.Count;
            after = page[^1].JobKey;
        }
    }

    private async Task UpdateAsync(IReadOnlyList<Row> page, TariffBook tariffs, OrgTransaction transaction, CancellationToken cancellation)
    {
        var tiers = await PriceBook.TiersAsync(transaction, page.Select(row => row.Username), cancellation);
        var rated = new RatedColumns(page.Count);
        foreach (var row in page)
        {
            var tier = tiers.GetValueOrDefault(row.Username, options.Value.DefaultTier);
            rated.Add(tier, RunRating.Of(row.Facts, tier, tariffs));
        }

        var fresh = new
        {
            Org = transaction.OrgId,
            JobKeys = page.Select(row => row.JobKey).ToArray(),
            rated.Ratings,
            rated.Reasons,
            rated.Tiers,
            rated.TariffVersions,
            rated.Currencies,
            rated.CpuMinors,
            rated.GpuMinors,
            rated.MemoryMinors,
            rated.AmountMinors,
        };
        await transaction.ExecuteAsync(UpdateSql, fresh, cancellation);
        foreach (var group in rated.Ratings.CountBy(rating => rating, StringComparer.Ordinal)) RatingMetrics.CountRated(group.Key, group.Value);
    }

    private sealed record Row(
        string JobKey, string Username, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, long ChargedSeconds, long Cpus, long Gpus, long MemoryMib)
    {
        public RunFacts Facts => new(StartedAt, EndedAt, ChargedSeconds, Cpus, Gpus, MemoryMib);
    }
}
