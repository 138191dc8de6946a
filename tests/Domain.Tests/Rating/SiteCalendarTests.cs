using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class SiteCalendarTests
{
    [Theory]
    [InlineData("UTC", "2017-01-02", "2017-01-02T00:00:00Z")]
    [InlineData("Asia/Bangkok", "2017-01-02", "2017-01-01T17:00:00Z")]
    [InlineData("America/New_York", "2026-07-01", "2026-07-01T04:00:00Z")]
    [InlineData("America/New_York", "2026-12-01", "2026-12-01T05:00:00Z")]
    [InlineData("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z")] // midnight comes twice: the first
    [InlineData("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z")] // midnight does not come: the instant of the jump
    public void A_day_begins_at_its_first_instant_in_the_sites_zone(string zone, string day, string instant)
    {
        Assert.True(Calendar(zone).TryRead(day, out var parsed));
        Assert.Equal(DateTimeOffset.Parse(instant, CultureInfo.InvariantCulture), parsed);
    }

    [Theory]
    [InlineData("2017-01-02T03:04Z", "2017-01-02T03:04:00.000000Z")]
    [InlineData("2017-01-02T03:04:05Z", "2017-01-02T03:04:05.000000Z")]
    [InlineData("2017-01-02T03:04:05+07:00", "2017-01-01T20:04:05.000000Z")]
    [InlineData("2017-01-02T03:04:05.1234567Z", "2017-01-02T03:04:05.123456Z")]
    public void An_instant_keeps_its_offset_and_its_microseconds(string text, string instant)
    {
        Assert.True(Calendar("Asia/Bangkok").TryRead(text, out var parsed));
        Assert.Equal(instant, parsed.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
        Assert.Equal(TimeSpan.Zero, parsed.Offset);
    }

    [Theory]
    [InlineData("")]
    [InlineData("tomorrow")]
    [InlineData("2017-1-2")]
    [InlineData("02/01/2017")]
    [InlineData("2017-02-30")]
    [InlineData("2017-01-02T03:04:05")] // whose time?
    [InlineData("2017-01-02 03:04:05Z")]
    [InlineData("1483325045")]
    [InlineData("9999-12-31")]
    [InlineData("0001-01-01")]
    public void Anything_else_is_refused(string text) => Assert.False(Calendar("Asia/Bangkok").TryRead(text, out _));

    [Fact]
    public void Days_follow_each_other_without_gap_or_overlap_in_every_zone() => Prop.ForAll(
        Gen.Elements("UTC", "Asia/Bangkok", "America/New_York", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu")
            .Zip(Gen.Choose(0, 20_000)).ToArbitrary(),
        at =>
        {
            var (zone, dayNumber) = at;
            var calendar = Calendar(zone);
            var day = new DateOnly(1990, 1, 1).AddDays(dayNumber);
            var length = calendar.StartOf(day.AddDays(1)) - calendar.StartOf(day);
            return length >= TimeSpan.FromHours(23) && length <= TimeSpan.FromHours(25);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_year_of_a_receipt_is_the_sites() =>
        Assert.Equal(2027, Calendar("Asia/Bangkok").YearOf(new DateTimeOffset(2026, 12, 31, 18, 0, 0, TimeSpan.Zero)));

    private static SiteCalendar Calendar(string zone) => new(TimeZoneInfo.FindSystemTimeZoneById(zone));
}
