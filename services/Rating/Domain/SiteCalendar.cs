using System.Globalization;

namespace HpcBilling.Rating.Domain;

/// <summary>Days of the site: where they begin decides which receipt a run is on.</summary>
/// <remarks>Source: docs/money-and-time.md.</remarks>
internal sealed class SiteCalendar(TimeZoneInfo zone)
{
    /// <summary>What <see cref="TryRead"/> takes, to tell a caller who wrote something else.</summary>
    public const string Grammar = "must be a date (2017-01-02) or an instant with its offset (2017-01-02T00:00:00Z)";

    /// <summary>IANA id: <c>Asia/Bangkok</c>.</summary>
    public string ZoneId => zone.Id;

    /// <summary>The first instant of a day in the site's zone, UTC.</summary>
    public DateTimeOffset StartOf(DateOnly day)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);

        // Where clocks go back over midnight it comes twice: the day begins with the first, the one with the larger offset.
        // Where they jump over it, midnight by the old offset is the very instant of the jump.
        var offset = zone.IsAmbiguousTime(midnight) ? zone.GetAmbiguousTimeOffsets(midnight).Max() : zone.GetUtcOffset(midnight);
        return new DateTimeOffset(midnight, offset).ToUniversalTime();
    }

    public int YearOf(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, zone).Year;

    /// <summary>First day of the month that an instant lies in.</summary>
    public DateOnly MonthOf(DateTimeOffset instant)
    {
        var local = TimeZoneInfo.ConvertTime(instant, zone);
        return new DateOnly(local.Year, local.Month, 1);
    }

    /// <summary>Reads <c>2017-01-02</c> as the day's start in the site's zone, or an instant with its offset (<c>…Z</c>, <c>…+07:00</c>).</summary>
    /// <returns>False for anything else; an instant without an offset is refused, since it would be a guess.</returns>
    public bool TryRead(string text, out DateTimeOffset instant)
    {
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            && day > DateOnly.MinValue && day < DateOnly.MaxValue)
        {
            instant = StartOf(day);
            return true;
        }

        // "K" would also take a text without an offset, as the time of whichever machine runs this.
        var parsed = default(DateTimeOffset);
        var read = HasOffset(text)
            && DateTimeOffset.TryParseExact(text, InstantFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out parsed);
        instant = read ? Truncate(parsed.ToUniversalTime()) : default;
        return read;
    }

    /// <summary>Microseconds are what the database keeps; finer digits would make equal instants differ.</summary>
    public static DateTimeOffset Truncate(DateTimeOffset instant) =>
        instant.AddTicks(-(instant.Ticks % TimeSpan.TicksPerMicrosecond));

    private static bool HasOffset(string text) => text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');

    private static readonly string[] InstantFormats =
        ["yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];
}
