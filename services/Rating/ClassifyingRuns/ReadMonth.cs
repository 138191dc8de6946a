using System.Globalization;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.ClassifyingRuns;

/// <summary>GET /internal/v1/months?month=2026-10: when a month begins and ends in the site's zone, so that all services mean the same.</summary>
internal static class ReadMonth
{
    public static void Map(RouteGroupBuilder asked) => asked.MapGet("/months", Handle);

    private static IResult Handle(string? month, SiteCalendar calendar)
    {
        if (!DateOnly.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out var first) || first.Year is < 1970 or > 9000)
            return Problems.Invalid("month", "must be a month: 2026-10");
        return TypedResults.Ok(new SiteMonth(calendar.ZoneId, calendar.StartOf(first), calendar.StartOf(first.AddMonths(1))));
    }

    /// <param name="Zone">IANA id.</param>
    /// <param name="From">First instant, UTC.</param>
    /// <param name="To">First instant of the next month, UTC.</param>
    private sealed record SiteMonth(string Zone, DateTimeOffset From, DateTimeOffset To);
}
