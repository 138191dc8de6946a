using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace HpcBilling.Usage.Domain;

/// <summary>Reads Slurm's TRES text: <c>billing=12,cpu=12,gres/gpu=2,gres/gpu:a100=2,mem=62.50G,node=1</c>.</summary>
internal static class TresText
{
    /// <summary>More than any cluster has of one resource; above it, Slurm's "unset" (2⁶⁴−2) and garbage begin.</summary>
    public const long CountMax = int.MaxValue;

    private const long MemoryMibMax = 1L << 42;

    private static readonly SearchValues<byte> DigitsAndPoint = SearchValues.Create("0123456789."u8);

    // Slurm's own name of the untyped GPU total, and what its typed parts begin with.
    private static ReadOnlySpan<byte> GpuTotal => "gres/gpu"u8;
    private static ReadOnlySpan<byte> GpuTyped => "gres/gpu:"u8;

    /// <summary>Reads the text of one record.</summary>
    /// <param name="text">UTF-8; empty for a job that was never allocated anything.</param>
    /// <param name="tres">Totals. An untyped GPU count is the total that typed ones split; without one, the typed ones are summed.</param>
    /// <param name="problem">What is wrong with the text, when it returns false.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out Tres tres, out string problem)
    {
        tres = Tres.None;
        problem = string.Empty;
        if (text.IsEmpty) return true;

        var reading = new Reading();
        foreach (var range in text.Split((byte)','))
        {
            var entry = text[range];
            var equals = entry.IndexOf((byte)'=');
            if (equals <= 0)
            {
                problem = $"'{Show(entry)}' is not name=count";
                return false;
            }

            if (!reading.TryAdd(entry[..equals], entry[(equals + 1)..], out problem)) return false;
        }

        return reading.TryFinish(out tres, out problem);
    }

    /// <summary>Reads an amount of memory, MiB unless it has a suffix of K, M, G, T or P; decimals are rounded to the nearest MiB.</summary>
    public static bool TryParseMemoryMib(ReadOnlySpan<byte> text, out long mib)
    {
        mib = 0;
        if (text.IsEmpty) return false;

        var factor = text[^1] switch
        {
            (byte)'K' => 1m / 1024,
            (byte)'M' => 1m,
            (byte)'G' => 1024m,
            (byte)'T' => 1024m * 1024,
            (byte)'P' => 1024m * 1024 * 1024,
            _ => 1m,
        };
        var digits = "KMGTP"u8.Contains(text[^1]) ? text[..^1] : text;
        // Utf8Parser alone would take a sign and an exponent as well.
        if (digits.Length is 0 or > 20 || digits.ContainsAnyExcept(DigitsAndPoint)) return false;
        if (!Utf8Parser.TryParse(digits, out decimal number, out var consumed) || consumed != digits.Length) return false;

        var rounded = Math.Round(number * factor, MidpointRounding.AwayFromZero);
        if (rounded > MemoryMibMax) return false;

        mib = (long)rounded;
        return true;
    }

    private static bool TryParseCount(ReadOnlySpan<byte> text, out long count) =>
        Utf8Parser.TryParse(text, out count, out var consumed) && consumed == text.Length && text[0] != (byte)'+' && count is >= 0 and <= CountMax;

    private static string Show(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text[..Math.Min(text.Length, 60)]);

    private ref struct Reading
    {
        private long? cpus, memoryMib, nodes, gpus, billing;
        private SortedDictionary<string, long>? typed;
        private SortedDictionary<string, string>? other;

        public bool TryAdd(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, out string problem)
        {
            problem = string.Empty;
            if (name.SequenceEqual("mem"u8))
            {
                if (memoryMib is null && TryParseMemoryMib(value, out var mib))
                {
                    memoryMib = mib;
                    return true;
                }
            }
            else if (name.SequenceEqual("cpu"u8)) { if (TrySet(ref cpus, value)) return true; }
            else if (name.SequenceEqual("node"u8)) { if (TrySet(ref nodes, value)) return true; }
            else if (name.SequenceEqual("billing"u8)) { if (TrySet(ref billing, value)) return true; }
            else if (name.SequenceEqual(GpuTotal)) { if (TrySet(ref gpus, value)) return true; }
            else if (name.StartsWith(GpuTyped))
            {
                var type = name[GpuTyped.Length..];
                typed ??= new(StringComparer.Ordinal);
                if (!type.IsEmpty && TryParseCount(value, out var count) && typed.TryAdd(Encoding.UTF8.GetString(type), count)) return true;
            }
            else
            {
                // Its unit is not ours to know: kept as written, priced only where a tariff names it.
                other ??= new(StringComparer.Ordinal);
                if (other.TryAdd(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(value))) return true;
            }

            problem = $"'{Show(name)}={Show(value)}' is not a count, or is named twice";
            return false;
        }

        public readonly bool TryFinish(out Tres tres, out string problem)
        {
            tres = Tres.None;
            problem = string.Empty;
            var typedGpus = typed?.Values.Sum() ?? 0;
            if (typedGpus > (gpus ?? CountMax))
            {
                problem = $"the typed GPUs are {typedGpus}, more than the total gres/gpu={gpus}";
                return false;
            }

            tres = new Tres(cpus ?? 0, memoryMib ?? 0, nodes ?? 0, gpus ?? typedGpus, billing, Join(typed), Join(other));
            return true;
        }

        private static bool TrySet(ref long? target, ReadOnlySpan<byte> value)
        {
            if (target is not null || !TryParseCount(value, out var count)) return false;

            target = count;
            return true;
        }

        private static string? Join<T>(SortedDictionary<string, T>? entries) =>
            entries is null ? null : string.Join(',', entries.Select(e => $"{e.Key}={e.Value}"));
    }
}
