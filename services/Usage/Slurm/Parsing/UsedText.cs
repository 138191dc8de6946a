using System.Buffers;
using System.Buffers.Text;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>Reads how sacct writes what was used. What it cannot read is not known; nobody is charged by it.</summary>
internal static class UsedText
{
    private const long MicrosecondsPerSecond = 1_000_000;
    private const int FractionDigitsMax = 6;
    private const long NumberMax = 100_000_000_000;
    private const decimal BytesMax = 1L << 60;

    private static readonly SearchValues<byte> DigitsAndPoint = SearchValues.Create("0123456789."u8);

    /// <summary>CPU time as <c>[[days-]hh:]mm:ss[.fff]</c>.</summary>
    /// <returns>Microseconds, or null.</returns>
    public static long? CpuMicroseconds(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > 30) return null;
        long days = 0;
        var dash = text.IndexOf((byte)'-');
        if (dash >= 0 && !TryNumber(text[..dash], out days)) return null;

        var clock = text[(dash + 1)..];
        var point = clock.IndexOf((byte)'.');
        if (!TryFraction(point < 0 ? default : clock[(point + 1)..], out var fraction)) return null;
        if (point >= 0) clock = clock[..point];

        var (seconds, parts) = (0L, 0);
        foreach (var range in clock.Split((byte)':'))
        {
            if (++parts > 3 || !TryNumber(clock[range], out var part)) return null;
            seconds = (seconds * 60) + part;
        }

        // Days stand before hours, and nothing stands alone.
        if (parts < 2 || (dash >= 0 && parts != 3) || seconds > NumberMax || days > NumberMax / 86_400) return null;
        return (((days * 86_400) + seconds) * MicrosecondsPerSecond) + fraction;
    }

    /// <summary>An amount of memory: bytes unless it has a suffix of K, M, G, T or P.</summary>
    /// <returns>Null also for nothing at all.</returns>
    public static long? MemoryBytes(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return null;
        var factor = text[^1] switch
        {
            (byte)'K' => 1L << 10,
            (byte)'M' => 1L << 20,
            (byte)'G' => 1L << 30,
            (byte)'T' => 1L << 40,
            (byte)'P' => 1L << 50,
            _ => 1L,
        };
        var digits = factor > 1 ? text[..^1] : text;
        if (digits.Length is 0 or > 20 || digits.ContainsAnyExcept(DigitsAndPoint)) return null;
        if (!Utf8Parser.TryParse(digits, out decimal number, out var consumed) || consumed != digits.Length) return null;

        return number <= BytesMax / factor ? (long)decimal.Round(number * factor, MidpointRounding.AwayFromZero) : null;
    }

    /// <summary>The memory in a list of resources: <c>cpu=00:00:01,mem=2908K,vmem=5092K</c>.</summary>
    public static long? MemoryOfTres(ReadOnlySpan<byte> text)
    {
        foreach (var range in text.Split((byte)','))
        {
            if (text[range].StartsWith("mem="u8)) return MemoryBytes(text[range][4..]);
        }

        return null;
    }

    public static bool TryNumber(ReadOnlySpan<byte> digits, out long number)
    {
        number = 0;
        if (digits.Length is 0 or > 18 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        return Utf8Parser.TryParse(digits, out number, out _) && number <= NumberMax;
    }

    private static bool TryFraction(ReadOnlySpan<byte> digits, out long microseconds)
    {
        microseconds = 0;
        if (digits.IsEmpty) return true;
        if (digits.Length > FractionDigitsMax || !TryNumber(digits, out microseconds)) return false;
        for (var digit = digits.Length; digit < FractionDigitsMax; digit++) microseconds *= 10;
        return true;
    }
}
