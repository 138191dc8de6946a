using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class ReadSpanTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_poll_goes_back_over_what_was_read()
    {
        Assert.Equal((Noon.AddMinutes(-61), Noon), ReadSpan.OfPoll(Noon.AddMinutes(-1), TimeSpan.FromHours(1), Noon));
        // After an outage it begins where the last one ended, and before.
        Assert.Equal((Noon.AddDays(-30).AddHours(-1), Noon), ReadSpan.OfPoll(Noon.AddDays(-30), TimeSpan.FromHours(1), Noon));
        // A clock that was set back asks for no span of the future.
        Assert.Equal((Noon.AddHours(-1), Noon), ReadSpan.OfPoll(Noon.AddDays(1), TimeSpan.FromHours(1), Noon));
    }

    [Theory]
    [InlineData("2026-11-22T12:00:00Z", "2026-10-31")]
    [InlineData("2026-11-07T12:00:00Z", "2026-09-30")]
    [InlineData("2026-01-01T00:00:00Z", "2025-11-30")]
    [InlineData("2026-11-08T00:00:00Z", "2026-10-31")]
    public void The_open_month_is_read_with_the_one_before_it_in_its_first_days(string now, string from)
    {
        DateTimeOffset at = DateTimeOffset.Parse(now, CultureInfo.InvariantCulture);
        Assert.Equal((DateTimeOffset.Parse(from + "T00:00:00Z", CultureInfo.InvariantCulture), at), ReadSpan.OfOpenMonth(at, 7));
    }

    [Fact]
    public void Windows_cover_a_span_without_a_gap_whatever_their_length()
    {
        var spans =
            from seconds in Gen.Choose(1, 5_000_000)
            from window in Gen.Choose(60, 200_000)
            select (seconds, window);
        Prop.ForAll(spans.ToArbitrary(), span =>
        {
            (DateTimeOffset position, DateTimeOffset to, int steps) = (Noon, Noon.AddSeconds(span.seconds), 0);
            while (position < to)
            {
                DateTimeOffset next = ReadSpan.NextEnd(position, to, span.window);
                if (next <= position || next > to || (next - position).TotalSeconds > span.window) return false;
                (position, steps) = (next, steps + 1);
            }

            return position == to && steps == (span.seconds + span.window - 1) / span.window;
        }).Check(Config.QuickThrowOnFailure);
    }

    [Fact]
    public void A_window_that_is_too_long_is_halved_to_the_least_and_grows_again()
    {
        Assert.Equal([43_200, 21_600, 60, null], [ReadSpan.Halve(86_400, 60), ReadSpan.Halve(43_200, 60), ReadSpan.Halve(61, 60), ReadSpan.Halve(60, 60)]);
        Assert.Equal([120, 86_400], [ReadSpan.Grow(60, 86_400), ReadSpan.Grow(80_000, 86_400)]);
    }

    [Fact]
    public void The_pause_doubles_with_each_failure_up_to_its_bound() =>
        Assert.Equal([1, 2, 4, 256, 300, 300], new[] { 0, 1, 2, 8, 9, 1_000_000 }.Select(failures => (int)ReadSpan.Backoff(failures, 300).TotalSeconds));
}
