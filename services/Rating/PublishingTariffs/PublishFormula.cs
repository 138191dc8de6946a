using System.Globalization;
using HpcBilling.Contracts;
using HpcBilling.Rating.Domain;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.PublishingTariffs;

/// <summary>Publishes the next tariff version of a tier. Issued receipts and runs that ended before it keep their price.</summary>
internal static class PublishFormula
{
    private const string CurrentSql = """
        SELECT tier, version, effective_from, currency, cpu_core_hour, gpu_hour, memory_gib_hour FROM tariffs
        WHERE org_id = @Org AND tier = @Tier ORDER BY version DESC LIMIT 1
        """;

    private const string OtherCurrencySql = "SELECT currency FROM tariffs WHERE org_id = @Org AND currency <> @Currency LIMIT 1";

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapPost("/formula", HandleAsync).RequireAuthorization(Policies.Admin, Policies.Scope("tariffs.write"));

    private static async Task<IResult> HandleAsync(
        Request request, Caller caller, Database database, Repricing repricing, SiteCalendar calendar, TimeProvider clock,
        IOptions<RatingOptions> options, CancellationToken cancellation)
    {
        if (request.Refusal(options.Value) is { } refusal) return refusal;
        var now = Microseconds.Truncate(clock.GetUtcNow());
        var effectiveFrom = now;
        if (request.EffectiveFrom is { } asked && !calendar.TryRead(asked, out effectiveFrom))
            return Problems.Invalid("effectiveFrom", SiteCalendar.Grammar);

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        await PriceBook.ChangeAsync(transaction, cancellation);

        // One currency for an org: a receipt adds up runs of all versions and tiers, and there is no exchange rate here.
        var args = new { Org = caller.OrgId, Tier = request.Type, options.Value.Currency };
        if (await transaction.ExecuteScalarAsync<string>(OtherCurrencySql, args, cancellation) is { } other)
            return Problems.Conflict($"Tariffs are in {other}; Rating:Currency says {options.Value.Currency}.");

        var previous = await transaction.QuerySingleOrDefaultAsync<TariffRow>(CurrentSql, args, cancellation);
        if (previous is not null && effectiveFrom < now)
            return Problems.Invalid("effectiveFrom", "must not be in the past: runs were priced by the version that was in force then");

        var tariff = request.ToVersion((previous?.Version ?? 0) + 1, effectiveFrom, Currency.Of(options.Value.Currency));
        await TariffStore.InsertAsync(tariff, caller.Username, now, transaction, cancellation);
        var repriced = await repricing.OfTierAsync(tariff.Tier, previous is null ? null : effectiveFrom, transaction, cancellation);
        await transaction.EnqueueAsync(Published(caller.OrgId, tariff), cancellation);
        await transaction.AuditAsync(caller.Act("tariff.published", $"tariff:{tariff.Tier}", Details(previous, tariff, repriced)), cancellation);
        await transaction.CommitAsync(cancellation);
        return TypedResults.Created($"/formula?type={tariff.Tier}", TariffView.Of(tariff));
    }

    private static TariffPublished Published(Guid org, TariffVersion tariff) => new(
        org, tariff.Tier, tariff.Version, tariff.EffectiveFrom, tariff.Currency.Code, tariff.CpuCoreHour, tariff.GpuHour, tariff.MemoryGibHour);

    private static Dictionary<string, string> Details(TariffRow? old, TariffVersion tariff, int repriced) => new(StringComparer.Ordinal)
    {
        ["version"] = tariff.Version.ToString(CultureInfo.InvariantCulture),
        ["effectiveFrom"] = tariff.EffectiveFrom.ToString("O", CultureInfo.InvariantCulture),
        ["currency"] = tariff.Currency.Code,
        ["oldRates"] = old is null ? "none" : Rates(old.CpuCoreHour, old.GpuHour, old.MemoryGibHour),
        ["newRates"] = Rates(tariff.CpuCoreHour, tariff.GpuHour, tariff.MemoryGibHour),
        ["repricedRuns"] = repriced.ToString(CultureInfo.InvariantCulture),
    };

    private static string Rates(decimal cpu, decimal gpu, decimal memory) =>
        string.Create(CultureInfo.InvariantCulture, $"cpuCoreHour={cpu:0.######} gpuHour={gpu:0.######} memoryGibHour={memory:0.######}");

    internal sealed record Request(
        string? Type, decimal? CpuCoreHour, decimal? GpuHour, decimal? MemoryGibHour, string? EffectiveFrom)
    {
        public IResult? Refusal(RatingOptions options)
        {
            if (Type is null || !options.TierNames.Contains(Type, StringComparer.Ordinal))
                return Problems.Invalid("type", $"must be one of: {string.Join(", ", options.TierNames)}");
            return RateRefusal("cpuCoreHour", CpuCoreHour) ?? RateRefusal("gpuHour", GpuHour) ?? RateRefusal("memoryGibHour", MemoryGibHour);
        }

        public TariffVersion ToVersion(int version, DateTimeOffset effectiveFrom, Currency currency) =>
            new(Type!, version, effectiveFrom, currency, CpuCoreHour!.Value, GpuHour!.Value, MemoryGibHour!.Value);

        private static ProblemHttpResult? RateRefusal(string field, decimal? rate)
        {
            var reason = rate is { } given ? Rate.Refusal(given) : "is missing";
            return reason is null ? null : Problems.Invalid(field, reason);
        }
    }
}
