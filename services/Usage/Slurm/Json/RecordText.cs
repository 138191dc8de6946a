using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>What is kept of a record in quarantine: the members that pricing needs, as they were written; never a job's name or command line.</summary>
internal static class RecordText
{
    public const int CharsMax = 2048;

    /// <summary>Member of the text that stands for <c>tres.allocated</c>.</summary>
    public const string Allocated = "tres.allocated";

    // Slurm indents its answers, by more than they say.
    private const int RawBytesMax = 64 * 1024;

    private const char Cut = '…';
    private const char Unprintable = '\uFFFD';

    private static readonly string[] Kept = ["cluster", "job_id", "array", "het", "association", "user", "account", "partition", "qos", "state", "time", "sluid"];

    public static string Of(JsonElement record)
    {
        if (record.ValueKind != JsonValueKind.Object) return record.ValueKind.ToString();

        var text = new StringBuilder("{");
        foreach (string name in Kept)
        {
            if (record.TryGetProperty(name, out JsonElement value)) Append(text, name, value);
        }

        if (record.TryGetProperty("tres", out JsonElement tres) && tres.ValueKind == JsonValueKind.Object && tres.TryGetProperty("allocated", out JsonElement allocated))
            Append(text, Allocated, allocated);
        text.Append('}');
        return text.Length <= CharsMax ? text.ToString() : text.ToString(0, CharsMax - 1) + Cut;
    }

    private static void Append(StringBuilder text, string name, JsonElement value)
    {
        if (text.Length > CharsMax) return;
        if (text.Length > 1) text.Append(',');
        text.Append('"').Append(name).Append("\":");
        (bool wasSpace, bool isInText, bool isEscaped) = (false, false, false);
        // As it was written, but for space between words of JSON; bytes that are no text are replaced.
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(value);
        foreach (char c in Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, RawBytesMax)]))
        {
            if (text.Length > CharsMax) return;
            bool isSpace = !isInText && c is ' ' or '\n' or '\r' or '\t';
            if (!isSpace || !wasSpace) text.Append(isSpace ? ' ' : char.IsControl(c) ? Unprintable : c);
            (wasSpace, isInText, isEscaped) = (isSpace, (c == '"' && !isEscaped) != isInText, isInText && c == '\\' && !isEscaped);
        }
    }
}
