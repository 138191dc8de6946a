namespace HpcBilling.Rating.Domain;

/// <summary>The rates of one price tier from an instant on. Published once, never changed.</summary>
/// <param name="Tier">Price tier: <c>mu</c>, <c>gov</c>, <c>private</c> …</param>
/// <param name="Version">Counts up from 1 within the tier.</param>
/// <param name="EffectiveFrom">UTC; prices runs that end at or after it.</param>
/// <param name="Currency">Of the three rates.</param>
/// <param name="CpuCoreHour">Major currency units per core-hour.</param>
/// <param name="GpuHour">Major currency units per GPU-hour.</param>
/// <param name="MemoryGibHour">Major currency units per GiB-hour.</param>
internal sealed record TariffVersion(
    string Tier,
    int Version,
    DateTimeOffset EffectiveFrom,
    Currency Currency,
    decimal CpuCoreHour,
    decimal GpuHour,
    decimal MemoryGibHour);
