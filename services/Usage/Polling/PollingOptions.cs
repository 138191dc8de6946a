using System.ComponentModel.DataAnnotations;

namespace HpcBilling.Usage.Polling;

/// <summary>Section <c>Usage:Polling</c>.</summary>
public sealed class PollingOptions
{
    public const string Section = "Usage:Polling";

    /// <summary>From the end of a poll to the next, seconds.</summary>
    [Range(1, 86_400)]
    public int IntervalSeconds { get; set; } = 60;

    /// <summary>How far each poll goes back over what was read before, minutes.</summary>
    [Range(1, 10_080)]
    public int OverlapMinutes { get; set; } = 60;

    /// <summary>From one reading of the whole open month to the next, hours.</summary>
    [Range(1, 168)]
    public int MonthHours { get; set; } = 6;

    /// <summary>Days of a month in which the month before is read again as well.</summary>
    [Range(0, 28)]
    public int PreviousMonthDays { get; set; } = 7;

    /// <summary>Longest span that is asked for at once, seconds.</summary>
    [Range(1, 2_678_400)]
    public int WindowSeconds { get; set; } = 86_400;

    /// <summary>Shortest span that is tried when an answer is too large, seconds.</summary>
    [Range(1, 86_400)]
    public int WindowSecondsMin { get; set; } = 60;

    /// <summary>Where a cluster that is new begins; null for the first day of the open month. What lies before is a back-fill's.</summary>
    public DateTimeOffset? From { get; set; }

    /// <summary>Longest pause after failures, seconds.</summary>
    [Range(1, 86_400)]
    public int BackoffSecondsMax { get; set; } = 300;

    /// <summary>How long a source that failed three times in a row is left alone, seconds; longer each time, up to the pause above.</summary>
    [Range(1, 3600)]
    public int BreakSeconds { get; set; } = 15;

    /// <summary>Failures in a row after which a back-fill is given up.</summary>
    [Range(1, 1000)]
    public int BackfillAttemptsMax { get; set; } = 20;
}
