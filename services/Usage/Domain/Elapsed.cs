using System.Buffers.Text;

namespace HpcBilling.Usage.Domain;

/// <summary>Slurm's elapsed time: <c>[days-]hh:mm:ss</c>, any number of days, or plain seconds.</summary>
internal static class Elapsed
{
    /// <summary>68 years; more is garbage, and count × seconds must stay inside 64 bits.</summary>
    public const long SecondsMax = int.MaxValue;

    /// <param name="text">UTF-8.</param>
    /// <param name="seconds">0 to <see cref="SecondsMax"/>.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out long seconds)
    {
        seconds = 0;
        if (text.Length is 0 or > 20) return false;
        if (text.IndexOf((byte)':') < 0) return TryNumber(text, SecondsMax, out seconds);

        long days = 0;
        var dash = text.IndexOf((byte)'-');
        if (dash >= 0 && !TryNumber(text[..dash], SecondsMax / 86_400, out days)) return false;

        var clock = text[(dash + 1)..];
        if (clock.Length < 7 || clock[^3] != (byte)':' || clock[^6] != (byte)':') return false;
        if (!TryNumber(clock[..^6], dash >= 0 ? 23 : SecondsMax / 3600, out var hours)) return false;
        if (!TryNumber(clock[^5..^3], 59, out var minutes) || !TryNumber(clock[^2..], 59, out var rest)) return false;

        seconds = (days * 86_400) + (hours * 3600) + (minutes * 60) + rest;
        return seconds <= SecondsMax;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, long max, out long number)
    {
        number = 0;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        return Utf8Parser.TryParse(digits, out number, out _) && number <= max;
    }
}
