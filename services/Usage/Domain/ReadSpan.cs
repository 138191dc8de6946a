namespace HpcBilling.Usage.Domain;

/// <summary>Which span of time to ask a cluster for, and how much of it at once.</summary>
internal static class ReadSpan
{
    /// <summary>
    /// What a poll asks for. It goes back over what was read before: records reach slurmdbd late, and change there.
    /// </summary>
    /// <param name="readUntil">What was read until now, once.</param>
    /// <param name="overlap">How far back a record may come late.</param>
    /// <param name="now">End of the span.</param>
    public static (DateTimeOffset From, DateTimeOffset To) OfPoll(DateTimeOffset readUntil, TimeSpan overlap, DateTimeOffset now)
    {
        DateTimeOffset to = Seconds(now);
        DateTimeOffset from = Seconds((readUntil < now ? readUntil : now) - overlap);
        return from < to ? (from, to) : (to.AddSeconds(-1), to);
    }

    /// <summary>The month that is still open, in whole: from its first day, and in its first days from the first day of the one before.</summary>
    /// <param name="now">End of the span.</param>
    /// <param name="previousMonthDays">How many days the month before stays open.</param>
    public static (DateTimeOffset From, DateTimeOffset To) OfOpenMonth(DateTimeOffset now, int previousMonthDays)
    {
        DateTimeOffset utc = now.ToUniversalTime();
        var first = new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero);
        if (utc.Day <= previousMonthDays) first = first.AddMonths(-1);
        // A day before: wherever the site is, its month has begun by then.
        return (first.AddDays(-1), Seconds(now));
    }

    /// <summary>The next part of a span.</summary>
    public static DateTimeOffset NextEnd(DateTimeOffset position, DateTimeOffset to, int windowSeconds) =>
        to - position <= TimeSpan.FromSeconds(windowSeconds) ? to : position.AddSeconds(windowSeconds);

    /// <summary>Half of what was too much; null when it cannot be less.</summary>
    public static int? Halve(int windowSeconds, int secondsMin) => windowSeconds <= secondsMin ? null : Math.Max(secondsMin, windowSeconds / 2);

    /// <summary>Twice of what went well, up to what is usual.</summary>
    public static int Grow(int windowSeconds, int secondsMax) => Math.Min(secondsMax, windowSeconds * 2);

    /// <summary>How long to leave a cluster alone that failed so many times, before jitter.</summary>
    public static TimeSpan Backoff(int failures, int secondsMax) => TimeSpan.FromSeconds(Math.Min(secondsMax, 1L << Math.Clamp(failures, 0, 30)));

    /// <summary>Whole seconds from one instant to another.</summary>
    public static long Seconds(DateTimeOffset from, DateTimeOffset to) => (to - from).Ticks / TimeSpan.TicksPerSecond;

    private static DateTimeOffset Seconds(DateTimeOffset instant) => DateTimeOffset.FromUnixTimeSeconds(instant.ToUnixTimeSeconds());
}
