using System.Text.Json.Serialization;
using HpcBilling.Rating.Domain;

namespace HpcBilling.Rating.PublishingTariffs;

/// <summary>A tariff version as clients see it; rates in major currency units per unit-hour.</summary>
internal sealed record TariffView(
    string Type, int Version, DateTimeOffset EffectiveFrom, string Currency, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour)
{
    /// <summary>Strong: a version never changes, so equal tags are equal bytes.</summary>
    [JsonIgnore]
    public string ETag => $"\"{Type}-{Version}\"";

    public static TariffView Of(TariffVersion tariff) => new(
        tariff.Tier, tariff.Version, tariff.EffectiveFrom, tariff.Currency.Code, Plain(tariff.CpuCoreHour), Plain(tariff.GpuHour),
        Plain(tariff.MemoryGibHour));

    // 1.500000 as the database keeps it, 1.5 as people write it.
    private static decimal Plain(decimal rate) => rate / 1.0000000000000000000000000000m;
}
