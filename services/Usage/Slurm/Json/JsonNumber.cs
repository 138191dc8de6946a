using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace HpcBilling.Usage.Slurm.Json;

internal enum JsonNumberKind
{
    /// <summary>Nothing was said; which is not zero.</summary>
    Unset,
    Infinite,
    Finite,
    Malformed,
}

/// <summary>
/// A number in any of the shapes that versions of slurmrestd gave it: a plain number, <c>{"set", "infinite", "number"}</c>, <c>"Infinity"</c>,
/// null, or one of Slurm's own marks of nothing (2³²−2, 2⁶⁴−2) and of no limit (2³²−1, 2⁶⁴−1).
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct JsonNumber(JsonNumberKind Kind, long Value)
{
    private static readonly JsonNumber Unset = new(JsonNumberKind.Unset, 0);
    private static readonly JsonNumber Infinite = new(JsonNumberKind.Infinite, 0);
    private static readonly JsonNumber Malformed = new(JsonNumberKind.Malformed, 0);

    /// <summary>The value, or null when nothing was said.</summary>
    public long? OrNull => Kind == JsonNumberKind.Finite ? Value : null;

    /// <summary>False for what is no number at all, or one without an end.</summary>
    public bool IsUsable => Kind is JsonNumberKind.Finite or JsonNumberKind.Unset;

    /// <param name="parent">The object that may have it.</param>
    /// <param name="name">Its name there.</param>
    public static JsonNumber Of(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) ? Of(value) : Unset;

    public static JsonNumber Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => Unset,
        JsonValueKind.Number => OfNumber(value),
        JsonValueKind.String => OfText(value),
        JsonValueKind.Object => OfObject(value),
        _ => Malformed,
    };

    private static JsonNumber OfNumber(JsonElement value)
    {
        if (value.TryGetInt64(out long whole)) return OfWhole(whole);
        if (value.TryGetUInt64(out ulong large)) return OfLarge(large);

        // 84.0 is whole, however it is written.
        bool isWhole = value.TryGetDecimal(out decimal number) && decimal.IsInteger(number) && number is >= long.MinValue and <= long.MaxValue;
        return isWhole ? OfWhole((long)number) : Malformed;
    }

    private static JsonNumber OfWhole(long value) => value switch
    {
        uint.MaxValue - 1L => Unset,
        uint.MaxValue => Infinite,
        _ => new JsonNumber(JsonNumberKind.Finite, value),
    };

    private static JsonNumber OfLarge(ulong value) => value switch
    {
        ulong.MaxValue - 1 => Unset,
        ulong.MaxValue => Infinite,
        _ => Malformed,
    };

    private static JsonNumber OfText(JsonElement value)
    {
        if (value.ValueEquals("Infinity"u8)) return Infinite;
        if (value.ValueEquals(""u8)) return Unset;
        return long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? OfWhole(number) : Malformed;
    }

    private static JsonNumber OfObject(JsonElement value)
    {
        if (value.TryGetProperty("set"u8, out JsonElement set) && set.ValueKind == JsonValueKind.False)
            return IsTrue(value, "infinite"u8) ? Infinite : Unset;
        if (IsTrue(value, "infinite"u8)) return Infinite;
        return value.TryGetProperty("number"u8, out JsonElement number) && number.ValueKind == JsonValueKind.Number ? OfNumber(number) : Malformed;
    }

    private static bool IsTrue(JsonElement value, ReadOnlySpan<byte> name) =>
        value.TryGetProperty(name, out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
}
