using HpcBilling.Rating.Domain;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.PublishingTariffs;

/// <summary>Every tier with the version in force and its newest versions, future ones included.</summary>
internal static class ListTariffs
{
    private const int HistoryMax = 50;

    private const string Sql = """
        SELECT tier, version, effective_from, currency, cpu_core_hour, gpu_hour, memory_gib_hour, published_by, published_at FROM (
            SELECT *, row_number() OVER (PARTITION BY tier ORDER BY version DESC) AS age FROM tariffs WHERE org_id = @Org) AS aged
        WHERE age <= @HistoryMax ORDER BY tier, version DESC
        """;

    public static void Map(IEndpointRouteBuilder app) => app.MapGet("/api/v1/tariffs", HandleAsync).RequireAuthorization(Policies.User);

    private static async Task<IResult> HandleAsync(
        Caller caller, Database database, TimeProvider clock, IOptions<RatingOptions> options, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var tariffs = await PriceBook.TariffsAsync(transaction, cancellation);
        var history = (await transaction.QueryAsync<Row>(Sql, new { Org = caller.OrgId, HistoryMax }, cancellation)).ToLookup(row => row.Tier);
        var now = clock.GetUtcNow();
        var tiers = options.Value.TierNames.Union(history.Select(tier => tier.Key), StringComparer.Ordinal).Select(tier => new TierView(
            tier,
            tier == options.Value.DefaultTier,
            tariffs.InForce(tier, now) is { } inForce ? TariffView.Of(inForce) : null,
            [.. history[tier].Select(row => row.ToView())]));
        return TypedResults.Ok(new { options.Value.Currency, Tiers = tiers });
    }

    private sealed record TierView(string Tier, bool IsDefault, TariffView? Current, IReadOnlyList<VersionView> History);

    private sealed record VersionView(
        int Version, DateTimeOffset EffectiveFrom, string Currency, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour,
        string PublishedBy, DateTimeOffset PublishedAt);

    private sealed record Row(
        string Tier, int Version, DateTimeOffset EffectiveFrom, string Currency, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour,
        string PublishedBy, DateTimeOffset PublishedAt)
    {
        public VersionView ToView()
        {
            var plain = TariffView.Of(
                new TariffVersion(Tier, Version, EffectiveFrom, Domain.Currency.Of(Currency), CpuCoreHour, GpuHour, MemoryGibHour));
            return new VersionView(
                Version, EffectiveFrom, Currency, plain.CpuCoreHour, plain.GpuHour, plain.MemoryGibHour, PublishedBy, PublishedAt);
        }
    }
}
