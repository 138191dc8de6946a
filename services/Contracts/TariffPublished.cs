namespace HpcBilling.Contracts;

/// <summary>New rates of a tier take effect from an instant on.</summary>
/// <param name="OrgId">Tenant.</param>
/// <param name="Tier">Price tier: <c>mu</c>, <c>gov</c>, <c>private</c> …</param>
/// <param name="Version">Version of the tier's tariff, counting up from 1.</param>
/// <param name="EffectiveFrom">UTC; runs that end at or after it are priced by it.</param>
/// <param name="Currency">ISO 4217 code.</param>
/// <param name="CpuCoreHour">Major currency units per core-hour.</param>
/// <param name="GpuHour">Major currency units per GPU-hour.</param>
/// <param name="MemoryGibHour">Major currency units per GiB-hour.</param>
public sealed record TariffPublished(
    Guid OrgId,
    string Tier,
    int Version,
    DateTimeOffset EffectiveFrom,
    string Currency,
    decimal CpuCoreHour,
    decimal GpuHour,
    decimal MemoryGibHour);
