using System.Text;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>
/// Turns the same bytes into the same object: a log has millions of lines, but few users, partitions and allocations.
/// Bounded: when full, it starts anew, so that a log of nothing but different values costs memory no more than that.
/// </summary>
internal sealed class Interner<T>(Interner<T>.Reader read)
    where T : class
{
    public const int EntriesMax = 16_384;
    private const int KeyLengthMax = 512;

    private readonly Dictionary<string, T> entries = new(StringComparer.Ordinal);

    /// <returns>Null, and why, when the text cannot be read.</returns>
    public delegate T? Reader(ReadOnlySpan<byte> utf8, string text, out string problem);

    /// <param name="utf8">Valid UTF-8.</param>
    /// <param name="value">The one object for these bytes.</param>
    /// <param name="problem">Why there is none, when it returns false.</param>
    public bool TryGet(ReadOnlySpan<byte> utf8, out T value, out string problem)
    {
        problem = string.Empty;
        if (utf8.Length > KeyLengthMax) return TryRead(utf8, Encoding.UTF8.GetString(utf8), out value, out problem);

        Span<char> buffer = stackalloc char[KeyLengthMax];
        var key = buffer[..Encoding.UTF8.GetChars(utf8, buffer)];
        var lookup = entries.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(key, out value!)) return true;

        var text = new string(key);
        if (!TryRead(utf8, text, out value, out problem)) return false;
        if (entries.Count >= EntriesMax) entries.Clear();
        entries.Add(text, value);
        return true;
    }

    private bool TryRead(ReadOnlySpan<byte> utf8, string text, out T value, out string problem)
    {
        var result = read(utf8, text, out problem);
        value = result!;
        return result is not null;
    }
}
