using System.Buffers.Text;

namespace HpcBilling.Usage.Domain;

/// <summary>An instant as Slurm's tools print it with <c>TZ=UTC</c>: <c>2016-12-22T07:15:12</c>, or seconds since 1970.</summary>
internal static class SlurmTime
{
    // 2200-01-01: what lies beyond is Slurm's "unset" (2³²−2 is 2106, so it is refused by name below) or garbage.
    private const long EpochSecondsMax = 7_258_118_400;
    private const long Unset = uint.MaxValue - 1L;

    /// <param name="epochSeconds">Seconds since 1970.</param>
    public static bool IsInstant(long epochSeconds) => epochSeconds is > 0 and <= EpochSecondsMax && epochSeconds != Unset;

    /// <param name="text">UTF-8; nothing, <c>Unknown</c>, <c>None</c> and <c>0</c> mean that it has not happened.</param>
    /// <param name="instant">UTC, or null when it has not happened.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out DateTimeOffset? instant)
    {
        instant = null;
        if (text.IsEmpty || text.SequenceEqual("Unknown"u8) || text.SequenceEqual("None"u8)) return true;
        if (text.Length >= 19 && text[4] == (byte)'-') return TryParseIso(text, out instant);

        if (text.Length > 11 || text.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        if (!Utf8Parser.TryParse(text, out long seconds, out _) || seconds > EpochSecondsMax || seconds == Unset) return false;

        if (seconds != 0) instant = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return true;
    }

    private static bool TryParseIso(ReadOnlySpan<byte> text, out DateTimeOffset? instant)
    {
        instant = null;
        // An offset other than Z would say that the log is not in UTC after all.
        if (text.Length != 19 && !(text.Length == 20 && text[19] == (byte)'Z')) return false;
        if (text[7] != (byte)'-' || text[10] != (byte)'T' || text[13] != (byte)':' || text[16] != (byte)':') return false;
        if (!TryDigits(text[..4], out var year) || !TryDigits(text[5..7], out var month) || !TryDigits(text[8..10], out var day)) return false;
        if (!TryDigits(text[11..13], out var hour) || !TryDigits(text[14..16], out var minute) || !TryDigits(text[17..19], out var second)) return false;
        if (year is < 1970 or > 2199 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        if (hour > 23 || minute > 59 || second > 59) return false;

        instant = new DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero);
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<byte> digits, out int number)
    {
        number = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            number = (number * 10) + (digit - '0');
        }

        return true;
    }
}
