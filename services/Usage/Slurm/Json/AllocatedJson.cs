using System.Text;
using System.Text.Json;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>
/// Reads <c>tres.allocated</c>: a list of type, name and count. It is written as sacct's own text first and read as that, so that both sources
/// mean the same by the same.
/// </summary>
internal sealed class AllocatedJson
{
    // Sites have some dozens.
    private const int EntriesMax = 256;

    private readonly Interner<Tres> texts = new(ReadText);
    private readonly StringBuilder text = new();

    public bool TryRead(JsonElement allocated, out Tres tres, out string problem)
    {
        tres = Tres.None;
        problem = "";
        if (allocated.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return true;
        if (allocated.ValueKind != JsonValueKind.Array || allocated.GetArrayLength() > EntriesMax)
        {
            problem = "is no list of resources";
            return false;
        }

        text.Clear();
        foreach (JsonElement entry in allocated.EnumerateArray())
        {
            if (!TryAppend(entry, out problem)) return false;
        }

        return texts.TryGet(Encoding.UTF8.GetBytes(text.ToString()), out tres, out problem);
    }

    private bool TryAppend(JsonElement entry, out string problem)
    {
        problem = "holds an entry without a type";
        if (entry.ValueKind != JsonValueKind.Object || TextOf(entry, "type"u8) is not { } type) return false;

        string? name = TextOf(entry, "name"u8);
        JsonNumber count = JsonNumber.Of(entry, "count"u8);
        problem = $"holds '{type}{(name is null ? "" : "/" + name)}' with a count that is none";
        // Commas and equals signs would make two resources of one.
        if (!count.IsUsable || count.Value < 0 || !IsWord(type) || (name is not null && !IsWord(name))) return false;
        // Known by name, and nobody counted: sacct leaves it out as well.
        if (count.OrNull is not { } number) return true;

        if (text.Length > 0) text.Append(',');
        text.Append(type);
        if (name is not null) text.Append('/').Append(name);
        text.Append('=').Append(number);
        return true;
    }

    private static bool IsWord(string word) => SlurmName.IsPrintable(word) && !word.AsSpan().ContainsAny(',', '=');

    private static string? TextOf(JsonElement entry, ReadOnlySpan<byte> name) =>
        entry.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } word ? word : null;

    private static Tres? ReadText(ReadOnlySpan<byte> utf8, string written, out string problem) =>
        TresText.TryParse(utf8, out Tres tres, out problem) ? tres : null;
}
