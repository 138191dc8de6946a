namespace HpcBilling.Rating.Domain;

/// <summary>An ISO 4217 currency and how many decimals its minor unit has.</summary>
/// <param name="Code">Three capital letters: <c>THB</c>.</param>
/// <param name="Exponent">Decimals of the minor unit: 2 for THB (satang), 0 for JPY, 3 for KWD.</param>
internal readonly record struct Currency(string Code, int Exponent)
{
    private static readonly Dictionary<string, int> Exponents = new[]
    {
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
        (2, """
            AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK
            DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP
            LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
            RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD
            YER ZAR ZMW ZWG
            """),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
    }
    .SelectMany(group => group.Item2.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries), (group, code) => (code, group.Item1))
    .ToDictionary(StringComparer.Ordinal);

    /// <summary>Minor units in one major unit: 100 for THB.</summary>
    public long MinorPerMajor => Exponent switch { 0 => 1, 2 => 100, 3 => 1000, _ => throw new InvalidOperationException($"No exponent {Exponent}.") };

    public static bool IsKnown(string? code) => code is not null && Exponents.ContainsKey(code);

    /// <exception cref="ArgumentException">Not a currency of ISO 4217 in use.</exception>
    public static Currency Of(string code) => Exponents.TryGetValue(code, out var exponent)
        ? new Currency(code, exponent)
        : throw new ArgumentException($"'{code}' is not a currency code of ISO 4217.", nameof(code));

    public override string ToString() => Code;
}
