using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class ApportionmentTests
{
    [Theory]
    [InlineData("UTC", "2026-10-31T22:00:00Z", "2026-11-01T01:00:00Z", 10_800, " 7200|2026-11 3600")]
    [InlineData("Asia/Bangkok", "2026-10-31T16:00:00Z", "2026-10-31T18:00:00Z", 7200, " 3600|2026-11 3600")]
    [InlineData("America/Havana", "2026-10-31T04:00:00Z", "2026-11-01T06:00:00Z", 93_600, " 86400|2026-11 7200")] // the first of two midnights
    [InlineData("UTC", "2026-10-31T22:00:00Z", "2026-11-01T01:00:00Z", 10_000, " 6666|2026-11 3334")] // suspended for 800 s
    [InlineData("UTC", "2026-10-31T22:00:00Z", "2026-11-01T01:00:00Z", 0, " 0|2026-11 0")]
    [InlineData("UTC", "2026-10-31T22:00:00Z", "2026-11-01T00:00:00Z", 7200, " 7200")]
    [InlineData("UTC", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", 86_400, " 86400")]
    [InlineData("UTC", "2026-11-03T00:00:00Z", "2026-11-03T00:00:00Z", 0, " 0")]
    [InlineData("UTC", "2025-12-31T00:00:00Z", "2026-03-01T00:00:01Z", 5_184_001, " 86400|2026-01 2678400|2026-02 2419200|2026-03 1")]
    public void A_run_is_cut_where_months_begin_in_the_sites_zone(string zone, string start, string end, long seconds, string parts) =>
        Assert.Equal(parts, string.Join('|', Cut(zone, At(start), At(start), At(end), seconds).Select(Text)));

    [Fact]
    public void A_record_that_goes_on_from_a_resize_is_cut_from_there()
    {
        var parts = Cut("UTC", At("2026-09-30T00:00:00Z"), At("2026-10-31T23:00:00Z"), At("2026-11-01T02:00:00Z"), 10_800);
        Assert.Equal(" 3600|2026-11 7200", string.Join('|', parts.Select(Text)));
        Assert.Equal(At("2026-09-30T00:00:00Z"), parts[0].StartedAt);
    }

    [Fact]
    public void A_split_loses_no_second_and_each_part_lies_in_its_month() => Prop.ForAll(Spans().ToArbitrary(), span =>
    {
        var calendar = Calendar(span.Zone);
        var parts = Apportionment.Cut(span.Start, span.Submit, span.End, span.Seconds, span.Milliseconds, calendar);

        Assert.Equal(span.Seconds, parts.Sum(part => part.ChargedSeconds));
        Assert.Equal(span.Milliseconds, parts[0].CpuUsedMilliseconds is null ? null : parts.Sum(part => part.CpuUsedMilliseconds));
        Assert.Equal(span.Start, parts[0].StartedAt);
        Assert.Null(parts[0].Month);
        var from = span.Submit > span.Start ? span.Submit : span.Start;
        foreach (var (part, begin) in parts.Select((part, index) => (part, index == 0 ? from : part.StartedAt)).Where(_ => span.End > from))
        {
            Assert.Equal(calendar.MonthOf(begin), calendar.MonthOf(part.EndedAt));
            Assert.Equal(part.Month ?? calendar.MonthOf(begin), calendar.MonthOf(begin));
            // No part has more seconds than it is long, but for the one that rounding gives it.
            Assert.InRange(part.ChargedSeconds, 0, (long)Math.Ceiling((part.EndedAt - begin).TotalSeconds) + 1);
        }

        foreach (var (one, next) in parts.Zip(parts.Skip(1))) Assert.Equal(one.EndedAt.AddMicroseconds(1), next.StartedAt);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_run_that_becomes_longer_keeps_the_parts_it_had() => Prop.ForAll(Spans().ToArbitrary(), span =>
    {
        var calendar = Calendar(span.Zone);
        var from = span.Submit > span.Start ? span.Submit : span.Start;
        if (span.End <= from) return;

        var whole = Full(span.End);
        var longer = Full(span.End.AddDays(40));
        Assert.Equal(whole.SkipLast(1), longer.Take(whole.Count - 1));
        Assert.Equal(whole[^1].Month, longer[whole.Count - 1].Month);

        IReadOnlyList<RunPart> Full(DateTimeOffset end) => Apportionment.Cut(span.Start, span.Submit, end, (end - from).Ticks / TimeSpan.TicksPerSecond, null, calendar);
    }).QuickCheckThrowOnFailure();

    private static Gen<Span> Spans() =>
        from zone in Gen.Elements("UTC", "Asia/Bangkok", "America/New_York", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe")
        from start in Gen.Choose(0, 60 * 365 * 24).Select(hours => DateTimeOffset.UnixEpoch.AddHours(hours))
        from early in Gen.Choose(-3_000_000, 100_000)
        from length in Gen.Choose(0, 400 * 86_400)
        from standing in Gen.Choose(0, 1000)
        from used in Gen.Choose(0, int.MaxValue)
        let submit = start.AddSeconds(Math.Max(early, -86_400))
        let end = start.AddSeconds(length)
        let charged = Math.Max(0, (end - (submit > start ? submit : start)).Ticks / TimeSpan.TicksPerSecond)
        select new Span(zone, start, submit, end, charged - (charged * standing / 1000), used % 3 == 0 ? null : used);

    private static string Text(RunPart part) => $"{part.Month?.ToString("yyyy-MM", CultureInfo.InvariantCulture)} {part.ChargedSeconds}";

    private static IReadOnlyList<RunPart> Cut(string zone, DateTimeOffset start, DateTimeOffset submit, DateTimeOffset end, long seconds) =>
        Apportionment.Cut(start, submit, end, seconds, null, Calendar(zone));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static SiteCalendar Calendar(string zone) => new(TimeZoneInfo.FindSystemTimeZoneById(zone));

    private sealed record Span(string Zone, DateTimeOffset Start, DateTimeOffset Submit, DateTimeOffset End, long Seconds, long? Milliseconds);
}
