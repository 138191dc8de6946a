using System.Globalization;

namespace HpcBilling.Ui.Formatting;

/// <summary>Amounts and quantities as people read them.</summary>
public static class Amounts
{
    /// <summary><c>1,234.50 THB</c> from 123450; the number of decimals is the currency's own.</summary>
    /// <param name="minor">Minor units of <paramref name="currency"/>.</param>
    /// <param name="currency">ISO 4217 code.</param>
    public static string Money(long minor, string currency) =>
        Figure(minor, currency) + " " + currency;

    /// <summary><c>1,234.50</c>: where the currency stands beside it already.</summary>
    public static string Figure(long minor, string currency) =>
        Number(minor, currency).ToString("N" + Exponent(currency), CultureInfo.InvariantCulture);

    /// <summary><c>1234.50</c>: the amount alone, for files that machines read.</summary>
    public static string Plain(long minor, string currency) =>
        Number(minor, currency).ToString("F" + Exponent(currency), CultureInfo.InvariantCulture);

    /// <summary>Minor units as a number of major units.</summary>
    public static decimal Number(long minor, string currency)
    {
        decimal major = minor;
        for (int digit = Exponent(currency); digit > 0; digit--) major /= 10;
        return major;
    }

    /// <summary>Rate in major units with all its digits, at least the currency's: <c>0.25</c>, <c>1.125</c>.</summary>
    public static string Rate(decimal majorPerHour, string currency) =>
        majorPerHour.ToString("#,0." + new string('0', Exponent(currency)) + "########", CultureInfo.InvariantCulture).TrimEnd('.');

    /// <summary><c>42,363,758</c>: TRES-seconds, with the decimals that there are.</summary>
    public static string Quantity(decimal amount) => amount.ToString("#,0.####", CultureInfo.InvariantCulture);

    /// <summary><c>11,767.99</c>: hours for a table.</summary>
    public static string Hours(decimal hours) => hours.ToString("N2", CultureInfo.InvariantCulture);

    /// <summary><c>11,767.9883</c>: hours to the digit that totals are compared by.</summary>
    public static string HoursInFull(decimal hours) => hours.ToString("N4", CultureInfo.InvariantCulture);

    /// <summary><c>85 %</c> from 0.8512; what is there but rounds to nothing is <c>&lt; 1 %</c>.</summary>
    public static string Share(decimal share) => share is > 0 and < 0.01m
        ? "< 1 %" : decimal.Round(share * 100, MidpointRounding.AwayFromZero).ToString("N0", CultureInfo.InvariantCulture) + " %";

    /// <summary><c>10-13:27:06</c>: a span as Slurm writes it.</summary>
    public static string Span(long seconds)
    {
        var span = TimeSpan.FromSeconds(seconds);
        return span.ToString(span.Days > 0 ? @"d\-hh\:mm\:ss" : @"hh\:mm\:ss", CultureInfo.InvariantCulture);
    }

    /// <summary><c>62.5</c>: GiB from MiB, at most two decimals.</summary>
    public static string Gib(long mib) => (mib / 1024m).ToString("#,0.##", CultureInfo.InvariantCulture);

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Decimals of a currency, after ISO 4217; two for those not listed.</summary>
    public static int Exponent(string currency) => currency switch
    {
        "BIF" or "CLP" or "DJF" or "GNF" or "ISK" or "JPY" or "KMF" or "KRW" or "PYG" or "RWF" or "UGX" or "UYI" or "VND" or "VUV"
            or "XAF" or "XOF" or "XPF" => 0,
        "BHD" or "IQD" or "JOD" or "KWD" or "LYD" or "OMR" or "TND" => 3,
        "CLF" or "UYW" => 4,
        _ => 2,
    };
}
