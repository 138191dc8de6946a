namespace HpcBilling.Rating.Domain;

/// <summary>Bounds of a rate. Within them every charge is computed exactly in 128-bit integers.</summary>
internal static class Rate
{
    /// <summary>Major currency units per unit-hour.</summary>
    public const decimal Max = 1_000_000m;
    public const int DecimalsMax = 6;
    public const long MicrosPerMajor = 1_000_000;

    /// <returns>What is wrong with the rate; null when nothing is.</returns>
    public static string? Refusal(decimal rate) => rate switch
    {
        < 0 => "must not be negative",
        > Max => $"must be at most {Max}",
        _ when rate * MicrosPerMajor != decimal.Truncate(rate * MicrosPerMajor) => $"must have at most {DecimalsMax} decimals",
        _ => null,
    };

    /// <summary>Millionths of a major currency unit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rate is out of bounds.</exception>
    public static long ToMicros(decimal rate) => Refusal(rate) is { } reason
        ? throw new ArgumentOutOfRangeException(nameof(rate), rate, reason)
        : decimal.ToInt64(rate * MicrosPerMajor);
}
