namespace HpcBilling.Rating.Accounting;

/// <summary>Unit-seconds as people read them: hours with four places, rounded once.</summary>
internal static class Hours
{
    private const int Places = 4;

    public static decimal Of(decimal unitSeconds) => decimal.Round(unitSeconds / 3600, Places, MidpointRounding.AwayFromZero);

    /// <param name="mibSeconds">MiB-seconds; the result is in GiB-hours.</param>
    public static decimal OfMib(decimal mibSeconds) => decimal.Round(mibSeconds / (3600 * 1024), Places, MidpointRounding.AwayFromZero);
}
