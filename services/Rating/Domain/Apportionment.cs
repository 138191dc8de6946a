namespace HpcBilling.Rating.Domain;

/// <summary>What a site wants of a run that crosses the end of a month.</summary>
internal enum RunsAcrossMonths
{
    /// <summary>All of it belongs to the month in which it ends.</summary>
    End,

    /// <summary>Each month has its part.</summary>
    Apportion,
}

/// <summary>A run's share of one of the site's months.</summary>
/// <param name="Month">Its first day; null for the part in which the run began, which carries the run's own key.</param>
/// <param name="StartedAt">UTC.</param>
/// <param name="EndedAt">UTC; where the run goes on, the month's last microsecond, so that the part ends in its own month.</param>
/// <param name="ChargedSeconds">0 or more; of all parts together exactly the run's.</param>
/// <param name="CpuUsedMilliseconds">Null when nobody measured it; of all parts together exactly the run's.</param>
internal sealed record RunPart(DateOnly? Month, DateTimeOffset StartedAt, DateTimeOffset EndedAt, long ChargedSeconds, long? CpuUsedMilliseconds);

/// <summary>Cuts runs where months begin in the site's zone.</summary>
/// <remarks>Source: docs/adr/0019-apportionment.md.</remarks>
internal static class Apportionment
{
    private static readonly TimeSpan LastMoment = TimeSpan.FromMicroseconds(1);

    /// <summary>
    /// The parts of an ended run, in order. When a run stood still nobody tells, so that what is not charged of its time is
    /// spread evenly; whole seconds, and none is lost or gained.
    /// </summary>
    /// <param name="startedAt">UTC.</param>
    /// <param name="submittedAt">UTC; a record is charged from this on, where it lies after the start (a resized job).</param>
    /// <param name="endedAt">UTC.</param>
    /// <param name="chargedSeconds">Of the whole run.</param>
    /// <param name="cpuUsedMilliseconds">Of the whole run; null when nobody measured it.</param>
    /// <param name="calendar">Of the site.</param>
    public static IReadOnlyList<RunPart> Cut(
        DateTimeOffset startedAt, DateTimeOffset submittedAt, DateTimeOffset endedAt, long chargedSeconds, long? cpuUsedMilliseconds, SiteCalendar calendar)
    {
        var from = submittedAt > startedAt ? submittedAt : startedAt;
        if (endedAt <= from) return [new RunPart(null, startedAt, endedAt, chargedSeconds, cpuUsedMilliseconds)];

        var parts = new List<RunPart>();
        var whole = endedAt - from;
        var (seconds, milliseconds) = (0L, 0L);
        for (var (begin, charged) = (startedAt, from); ;)
        {
            var month = calendar.MonthOf(charged);
            var next = calendar.StartOf(month.AddMonths(1));
            var isLast = endedAt <= next;
            var done = isLast ? whole : next - from;
            var (secondsDone, millisecondsDone) = (Share(chargedSeconds, done, whole), Share(cpuUsedMilliseconds ?? 0, done, whole));
            parts.Add(new RunPart(
                parts.Count == 0 ? null : month, begin, endedAt < next ? endedAt : next - LastMoment, secondsDone - seconds,
                cpuUsedMilliseconds is null ? null : millisecondsDone - milliseconds));
            if (isLast) return parts;
            (begin, charged, seconds, milliseconds) = (next, next, secondsDone, millisecondsDone);
        }
    }

    // Rounded down of the sum so far, never of a part: what one part is short of, the next has.
    private static long Share(long amount, TimeSpan done, TimeSpan whole) => (long)((Int128)amount * done.Ticks / whole.Ticks);
}
