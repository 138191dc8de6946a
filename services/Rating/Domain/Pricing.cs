namespace HpcBilling.Rating.Domain;

/// <summary>What a run costs, line by line.</summary>
/// <remarks>A run's amount is the sum of its rounded lines, so that what people see adds up to the last minor unit.</remarks>
internal readonly record struct RunPrice(Currency Currency, long CpuMinor, long GpuMinor, long MemoryMinor)
{
    /// <exception cref="OverflowException">The sum does not fit in 64 bits of minor units.</exception>
    public Money Amount => new(checked(CpuMinor + GpuMinor + MemoryMinor), Currency);
}

/// <remarks>Source: docs/adr/0004-pricing.md.</remarks>
internal static class Pricing
{
    private const long SecondsPerHour = 3600;
    private const long MibPerGib = 1024;

    /// <summary>Prices the three TRES lines of a run, each rounded once.</summary>
    /// <exception cref="OverflowException">An amount does not fit in 64 bits of minor units.</exception>
    public static RunPrice Price(TariffVersion tariff, ChargedTres tres) => new(
        tariff.Currency,
        LineMinor(tres.CpuSeconds, tariff.CpuCoreHour, SecondsPerHour, tariff.Currency),
        LineMinor(tres.GpuSeconds, tariff.GpuHour, SecondsPerHour, tariff.Currency),
        LineMinor(tres.MemoryMibSeconds, tariff.MemoryGibHour, SecondsPerHour * MibPerGib, tariff.Currency));

    /// <summary>Charge for one TRES line, rounded once, half away from zero.</summary>
    /// <param name="unitSeconds">Count × charged seconds; 4 GPUs for 90 s is 360.</param>
    /// <param name="ratePerUnitHour">Major currency units, of the tariff version in force when the run ended.</param>
    /// <param name="unitSecondsPerUnitHour">3600, or 3600 × 1024 for MiB-seconds at a rate per GiB-hour.</param>
    /// <param name="currency">Says how many minor units a major one has.</param>
    /// <exception cref="OverflowException">The amount does not fit in 64 bits of minor units.</exception>
    internal static long LineMinor(long unitSeconds, decimal ratePerUnitHour, long unitSecondsPerUnitHour, Currency currency)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(unitSeconds);

        // Integers all the way: a decimal quotient is itself rounded at 28 digits, and rounding it again can tip a half.
        var dividend = (Int128)unitSeconds * Rate.ToMicros(ratePerUnitHour) * currency.MinorPerMajor;
        var divisor = (Int128)unitSecondsPerUnitHour * Rate.MicrosPerMajor;
        return checked((long)((2 * dividend + divisor) / (2 * divisor)));
    }
}
