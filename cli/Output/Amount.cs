using System.Globalization;

namespace HpcBilling.Cli.Output;

/// <summary>Amounts and quantities as people read them; invariant, so that a script reads them too.</summary>
internal static class Amount
{
    /// <summary>123450 THB → <c>1,234.50 THB</c>.</summary>
    /// <param name="minor">Minor units of <paramref name="currency"/>.</param>
    /// <param name="currency">ISO 4217 code.</param>
    public static string Of(long minor, string? currency)
    {
        int digits = MinorDigits(currency);
        decimal major = minor;
        for (var digit = 0; digit < digits; digit++) major /= 10;
        return string.Create(CultureInfo.InvariantCulture, $"{major.ToString("N" + digits, CultureInfo.InvariantCulture)} {currency}").TrimEnd();
    }

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Hours(decimal hours) => hours.ToString("N4", CultureInfo.InvariantCulture);

    /// <summary>0.8512 → <c>85.1%</c>: a share of what was allocated.</summary>
    public static string Share(decimal share) => (share * 100).ToString("F1", CultureInfo.InvariantCulture) + "%";

    // ISO 4217: most currencies have two; these do not.
    private static int MinorDigits(string? currency) => currency switch
    {
        "JPY" or "KRW" or "VND" or "CLP" or "ISK" or "UGX" or "XAF" or "XOF" or "XPF" or "PYG" or "RWF" => 0,
        "BHD" or "IQD" or "JOD" or "KWD" or "LYD" or "OMR" or "TND" => 3,
        _ => 2,
    };
}
