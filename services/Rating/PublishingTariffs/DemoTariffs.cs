using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.PublishingTariffs;

/// <summary>First tariffs of the demo site. A real site's admin publishes its own.</summary>
internal sealed class DemoTariffs(Database database, TimeProvider clock, IOptions<RatingOptions> options) : IDevelopmentSeed
{
    private const string AnySql = "SELECT EXISTS (SELECT 1 FROM tariffs WHERE org_id = @Org)";

    public async Task SeedAsync(CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(Orgs.Default, cancellation);
        if (await transaction.ExecuteScalarAsync<bool>(AnySql, new { Org = Orgs.Default }, cancellation)) return;

        var currency = Currency.Of(options.Value.Currency);
        TariffVersion[] tariffs =
        [
            new("mu", 1, DateTimeOffset.UnixEpoch, currency, 0.50m, 12.00m, 0.050m),
            new("gov", 1, DateTimeOffset.UnixEpoch, currency, 1.00m, 25.00m, 0.100m),
            new("private", 1, DateTimeOffset.UnixEpoch, currency, 2.50m, 60.00m, 0.250m),
        ];
        foreach (var tariff in tariffs.Where(tariff => options.Value.TierNames.Contains(tariff.Tier, StringComparer.Ordinal)))
            await TariffStore.InsertAsync(tariff, "system", Microseconds.Truncate(clock.GetUtcNow()), transaction, cancellation);
        await transaction.CommitAsync(cancellation);
    }
}
