using System.Globalization;
using System.Text;
using System.Text.Json;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>
/// What a record in quarantine held, read from what is kept of its text, so that it has its place in the sum. The reason why it is no run may
/// lie elsewhere (nobody's name, a contradiction); where it lies in these fields, nobody can say what it held.
/// </summary>
internal sealed class HeldText
{
    private readonly AllocatedJson allocated = new();

    /// <param name="text">See <see cref="RecordText"/> and <see cref="QuarantineText"/>.</param>
    /// <param name="sacct">Columns of a line of sacct.</param>
    /// <returns>Null when the text does not say it.</returns>
    public HeldTres? Read(string text, SacctLayout sacct) => text.StartsWith('{') ? OfJson(text) : OfLine(text.Split('|'), sacct);

    private HeldTres? OfJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            JsonElement record = document.RootElement;
            if (!record.TryGetProperty("time", out JsonElement time) || time.ValueKind != JsonValueKind.Object) return null;
            if (!record.TryGetProperty("tres.allocated", out JsonElement tres) || !allocated.TryRead(tres, out Tres held, out _)) return null;
            if (!TryInstant(time, "submission"u8, out DateTimeOffset? submit) || !TryInstant(time, "start"u8, out DateTimeOffset? start)) return null;
            if (!TryInstant(time, "end"u8, out DateTimeOffset? end) || JsonNumber.Of(time, "elapsed"u8).OrNull is not { } elapsed) return null;
            return Of(submit, start, end, elapsed, held);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // It was too long to be kept whole.
            return null;
        }
    }

    private static HeldTres? OfLine(string[] columns, SacctLayout sacct)
    {
        // Newer versions print Slurm's own identity behind the columns that all have.
        if (columns.Length - sacct.Columns is not (0 or 1)) return null;
        if (!SlurmTime.TryParse(Column(SacctField.Submit), out DateTimeOffset? submit) || !SlurmTime.TryParse(Column(SacctField.Start), out DateTimeOffset? start)) return null;
        if (!SlurmTime.TryParse(Column(SacctField.End), out DateTimeOffset? end) || !Elapsed.TryParse(Column(SacctField.ElapsedRaw), out long elapsed)) return null;
        return TresText.TryParse(Column(SacctField.AllocTres), out Tres tres, out _) ? Of(submit, start, end, elapsed, tres) : null;

        byte[] Column(SacctField field) => Encoding.UTF8.GetBytes(columns[sacct.ColumnOf(field)]);
    }

    private static HeldTres? Of(DateTimeOffset? submit, DateTimeOffset? start, DateTimeOffset? end, long elapsed, Tres tres)
    {
        if (submit is not { } submittedAt || elapsed is < 0 or > Elapsed.SecondsMax) return null;
        return new HeldTres(end, JobRun.Charge(elapsed, submittedAt, start), tres);
    }

    private static bool TryInstant(JsonElement time, ReadOnlySpan<byte> name, out DateTimeOffset? instant)
    {
        instant = null;
        return JsonNumber.Of(time, name) is { IsUsable: true } number
            && SlurmTime.TryParse(Encoding.ASCII.GetBytes((number.OrNull ?? 0).ToString(CultureInfo.InvariantCulture)), out instant);
    }
}
