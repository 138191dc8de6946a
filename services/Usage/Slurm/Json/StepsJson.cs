using System.Text.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>Adds up <c>steps</c> of a record. Whatever is wrong with one makes a figure unknown, and harms nothing else.</summary>
internal static class StepsJson
{
    private const long MicrosecondsPerSecond = 1_000_000;
    private const long SecondsMax = 100_000_000_000;
    private const long TasksMax = int.MaxValue;

    public static UsedResources Read(JsonElement record)
    {
        if (!record.TryGetProperty("steps"u8, out JsonElement steps) || steps.ValueKind != JsonValueKind.Array) return default;

        var sum = default(StepSum);
        foreach (JsonElement step in steps.EnumerateArray())
        {
            try
            {
                sum.Add(CpuMicroseconds(Child(step, "time"u8)), MemoryBytes(step));
            }
            catch (InvalidOperationException)
            {
                // A text that is no UTF-8.
                sum.Add(null, null);
                sum.LoseMemory();
            }
        }

        return sum.Used();
    }

    private static long? CpuMicroseconds(JsonElement time) =>
        Microseconds(Child(time, "total"u8)) ?? Microseconds(Child(time, "user"u8)) + Microseconds(Child(time, "system"u8));

    private static long? Microseconds(JsonElement span) =>
        JsonNumber.Of(span, "seconds"u8).OrNull is >= 0 and <= SecondsMax and var seconds && JsonNumber.Of(span, "microseconds"u8).OrNull is >= 0 and <= SecondsMax and var rest
            ? (seconds * MicrosecondsPerSecond) + rest : null;

    // Slurm calls what was used "requested" here: what went into the step, beside "consumed" for what came out of it, as of disks. Bytes,
    // where tres.allocated has MiB. The total is of all tasks, the maximum of one.
    private static long? MemoryBytes(JsonElement step)
    {
        JsonElement used = Child(Child(step, "tres"u8), "requested"u8);
        if (Memory(Child(used, "total"u8)) is { } total) return total;
        if (Memory(Child(used, "max"u8)) is not { } largest) return null;
        return JsonNumber.Of(Child(step, "tasks"u8), "count"u8).OrNull is > 0 and <= TasksMax and var tasks && largest <= long.MaxValue / tasks ? largest * tasks : -1;
    }

    private static long? Memory(JsonElement entries)
    {
        if (entries.ValueKind != JsonValueKind.Array) return null;
        foreach (JsonElement entry in entries.EnumerateArray())
        {
            if (Child(entry, "type"u8) is { ValueKind: JsonValueKind.String } type && type.ValueEquals("mem"u8))
                return JsonNumber.Of(entry, "count"u8).OrNull is > 0 and var count ? count : null;
        }

        return null;
    }

    private static JsonElement Child(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement child) ? child : default;
}
