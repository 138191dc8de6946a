using System.Globalization;
using Microsoft.Extensions.Options;

namespace HpcBilling.Ui.Formatting;

/// <summary>Shows instants, and takes days, in the site's time zone.</summary>
public sealed class SiteClock(IOptions<SiteOptions> site, TimeProvider time)
{
    private readonly TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(site.Value.TimeZone);

    public string ZoneId => zone.Id;

    public DateTimeOffset ToSite(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, zone);

    /// <summary>The site's current day.</summary>
    public DateOnly Today => DateOnly.FromDateTime(ToSite(time.GetUtcNow()).DateTime);

    /// <summary>The first instant of a day in the site's zone.</summary>
    public DateTimeOffset StartOf(DateOnly day)
    {
        DateTime midnight = day.ToDateTime(TimeOnly.MinValue);

        // Where clocks go back over midnight it comes twice, and the day begins with the first.
        TimeSpan offset = zone.IsAmbiguousTime(midnight) ? zone.GetAmbiguousTimeOffsets(midnight).Max() : zone.GetUtcOffset(midnight);
        return new DateTimeOffset(midnight, offset).ToUniversalTime();
    }

    /// <summary><c>2016-12-22 14:15</c>.</summary>
    public string Minute(DateTimeOffset instant) => ToSite(instant).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary><c>2016-12-22 14:15:12 +07:00</c>.</summary>
    public string Second(DateTimeOffset instant) => ToSite(instant).ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture);

    /// <summary>Offset of the zone at that instant: <c>UTC</c>, <c>+07</c>, <c>+05:30</c>.</summary>
    public string Label(DateTimeOffset instant)
    {
        TimeSpan offset = zone.GetUtcOffset(instant);
        if (offset == TimeSpan.Zero) return "UTC";
        string sign = offset < TimeSpan.Zero ? "−" : "+";
        return sign + offset.ToString(offset.Minutes == 0 ? "hh" : @"hh\:mm", CultureInfo.InvariantCulture);
    }
}
