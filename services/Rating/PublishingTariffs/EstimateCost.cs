using HpcBilling.Rating.Domain;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.PublishingTariffs;

/// <summary>What a run would cost at the rates in force now, by the very code that prices runs.</summary>
internal static class EstimateCost
{
    private const long CoresMax = 10_000_000;
    private const long GpusMax = 1_000_000;
    private const decimal MemoryGibMax = 100_000_000m;
    private const decimal HoursMax = 24 * 366;

    public static void Map(IEndpointRouteBuilder app) => app.MapGet("/api/v1/estimate", HandleAsync).AllowAnonymous();

    private static async Task<IResult> HandleAsync(
        [AsParameters] Query query, HttpContext http, Database database, TimeProvider clock, IOptions<RatingOptions> options,
        CancellationToken cancellation)
    {
        if (query.Refusal() is { } refusal) return refusal;
        var tier = query.Tier ?? options.Value.DefaultTier;
        if (!options.Value.TierNames.Contains(tier, StringComparer.Ordinal))
            return Problems.Invalid("tier", $"must be one of: {string.Join(", ", options.Value.TierNames)}");

        await using var transaction = await database.BeginAsync(VisitorOrg.Of(http), cancellation);
        var tariffs = await PriceBook.TariffsAsync(transaction, cancellation);
        if (tariffs.InForce(tier, clock.GetUtcNow()) is not { } tariff) return Problems.NotFound("tariff in force");

        try
        {
            var price = Pricing.Price(tariff, ChargedTres.Of(query.Cores ?? 0, query.Gpus ?? 0, query.MemoryMib, query.Seconds));
            return TypedResults.Ok(new Estimate(
                tier, tariff.Version, price.Currency.Code, price.CpuMinor, price.GpuMinor, price.MemoryMinor, price.Amount.Minor, TariffView.Of(tariff)));
        }
        catch (OverflowException)
        {
            return Problems.Invalid("hours", "come, with these resources, to more money than can be counted");
        }
    }

    internal sealed record Query(string? Tier, long? Cores, long? Gpus, decimal? MemoryGib, decimal? Hours)
    {
        /// <summary>A run holds whole MiB for whole seconds; what a person types is rounded to them.</summary>
        public long MemoryMib => (long)decimal.Round((MemoryGib ?? 0) * 1024, MidpointRounding.AwayFromZero);

        public long Seconds => (long)decimal.Round((Hours ?? 0) * 3600, MidpointRounding.AwayFromZero);

        public IResult? Refusal() => this switch
        {
            { Cores: < 0 or > CoresMax } => Problems.Invalid("cores", $"must be between 0 and {CoresMax}"),
            { Gpus: < 0 or > GpusMax } => Problems.Invalid("gpus", $"must be between 0 and {GpusMax}"),
            { MemoryGib: < 0 or > MemoryGibMax } => Problems.Invalid("memoryGib", $"must be between 0 and {MemoryGibMax}"),
            { Hours: null or < 0 or > HoursMax } => Problems.Invalid("hours", $"must be between 0 and {HoursMax}"),
            _ => null,
        };
    }

    private sealed record Estimate(
        string Tier, int Version, string Currency, long CpuMinor, long GpuMinor, long MemoryMinor, long AmountMinor, TariffView Rates);
}
