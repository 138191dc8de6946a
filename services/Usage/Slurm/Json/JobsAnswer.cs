using System.Buffers;
using System.Text.Json;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>
/// Reads the answer of <c>/slurmdb/v0.0.x/jobs</c> from its stream, record by record, in memory that does not grow with the answer.
/// A record that cannot be a run is handed out with its reason and stops nothing; a document that is no answer is a <see cref="JsonException"/>.
/// </summary>
internal sealed class JobsAnswer(Stream stream, JobRecordParser parser) : IDisposable
{
    /// <summary>Bytes of one record, its steps with it; what is longer is passed over and put in quarantine.</summary>
    public const int RecordBytesMax = 8 * 1024 * 1024;

    private const int FirstBytes = 64 * 1024;
    private const int JobsDepth = 2;

    private static readonly LineProblem TooLong = new(LineProblem.RecordTooLong, null, $"The record is longer than {RecordBytesMax} bytes.");

    private readonly List<RestError> errors = [];
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int start;
    private int end;
    private bool isFinal;
    private bool hasJobs;
    private JsonReaderState state;
    private Place place = Place.Outside;

    private enum Place
    {
        Outside,
        Top,
        Jobs,
        LongRecord,
        Ended,
    }

    /// <summary>What the answer calls errors; complete once it was read to its end.</summary>
    public IReadOnlyList<RestError> Errors => errors;

    /// <summary>Adds records until the chunk is full.</summary>
    /// <returns>False when there was nothing left to add.</returns>
    public async Task<bool> ReadAsync(RecordChunk chunk, CancellationToken cancellation)
    {
        while (!chunk.IsFull && place != Place.Ended)
        {
            Advance(chunk);
            if (chunk.IsFull || place == Place.Ended) break;
            await FillAsync(cancellation);
        }

        if (place == Place.Ended && !hasJobs && errors.Count == 0) throw new JsonException("The answer has neither jobs nor errors.");
        return chunk.Count > 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    /// <summary>Goes as far as what is in the buffer allows.</summary>
    private void Advance(RecordChunk chunk)
    {
        var reader = new Utf8JsonReader(buffer.AsSpan(start, end - start), isFinal, state);
        while (!chunk.IsFull && place != Place.Ended)
        {
            Utf8JsonReader before = reader;
            bool isWhole = place switch
            {
                Place.Outside => Open(ref reader),
                Place.Top => Member(ref reader),
                Place.Jobs => Record(ref reader, chunk),
                _ => PassOver(ref reader, chunk),
            };
            if (isWhole) continue;
            // A long record is passed over token by token; everything else is read whole, and once more when more of it is there.
            if (place != Place.LongRecord) reader = before;
            break;
        }

        start += (int)reader.BytesConsumed;
        state = reader.CurrentState;
    }

    private bool Open(ref Utf8JsonReader reader)
    {
        if (!reader.Read()) return false;
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("The answer is no object.");
        place = Place.Top;
        return true;
    }

    private bool Member(ref Utf8JsonReader reader)
    {
        if (!reader.Read()) return false;
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            place = Place.Ended;
            return true;
        }

        if (reader.ValueTextEquals("errors"u8))
        {
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? found)) return false;
            using (found) errors.AddRange(RestError.AllOf(found.RootElement));
            return true;
        }

        if (!reader.ValueTextEquals("jobs"u8)) return reader.TrySkip();
        if (!reader.Read()) return false;
        hasJobs = true;
        if (reader.TokenType == JsonTokenType.StartArray) place = Place.Jobs;
        else if (reader.TokenType != JsonTokenType.Null) throw new JsonException("The answer's jobs are no list.");
        return true;
    }

    private bool Record(ref Utf8JsonReader reader, RecordChunk chunk)
    {
        if (!reader.Read()) return false;
        if (reader.TokenType == JsonTokenType.EndArray)
        {
            place = Place.Top;
            return true;
        }

        if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? record))
        {
            if (end - start - reader.TokenStartIndex < RecordBytesMax || reader.TokenType != JsonTokenType.StartObject) return false;
            place = Place.LongRecord;
            return true;
        }

        using (record)
        {
            if (parser.TryParse(record.RootElement, out JobRun run, out LineProblem? problem))
            {
                chunk.Runs.Add(run);
                if (MeasuredRun.Of(run, StepsJson.Read(record.RootElement)) is { } measured) chunk.Measured.Add(measured);
            }
            else
            {
                chunk.Quarantined.Add(new QuarantinedRecord(problem!, RecordText.Of(record.RootElement)));
            }
        }

        return true;
    }

    private bool PassOver(ref Utf8JsonReader reader, RecordChunk chunk)
    {
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.EndObject || reader.CurrentDepth != JobsDepth) continue;
            chunk.Quarantined.Add(new QuarantinedRecord(TooLong, ""));
            place = Place.Jobs;
            return true;
        }

        return false;
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        if (isFinal) throw new JsonException("The answer ends in its middle.");
        int kept = end - start;
        if (kept > RecordBytesMax) throw new JsonException($"The answer holds a text of more than {RecordBytesMax} bytes.");

        // Twice as much as was not enough, so that a long record is not read again for every few bytes of it.
        int wanted = Math.Clamp(2 * kept, FirstBytes, RecordBytesMax + FirstBytes);
        MakeRoom(kept, wanted);
        while (end < wanted && !isFinal)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(end, wanted - end), cancellation);
            end += read;
            isFinal = read == 0;
        }
    }

    private void MakeRoom(int kept, int wanted)
    {
        byte[] room = buffer.Length >= wanted ? buffer : ArrayPool<byte>.Shared.Rent(wanted);
        buffer.AsSpan(start, kept).CopyTo(room);
        if (room != buffer) ArrayPool<byte>.Shared.Return(buffer);
        (buffer, start, end) = (room, 0, kept);
    }
}

/// <summary>An entry of an answer's <c>errors</c>.</summary>
internal sealed record RestError(long? Number, string Text)
{
    private const long NothingFoundNumber = 9003;
    private const int EntriesMax = 16;

    /// <summary>"Nothing found" is an answer like any other.</summary>
    public bool IsNothingFound => Number == NothingFoundNumber;

    public static IEnumerable<RestError> AllOf(JsonElement errors) =>
        errors.ValueKind == JsonValueKind.Array ? [.. errors.EnumerateArray().Take(EntriesMax).Select(Of)] : [];

    private static RestError Of(JsonElement error)
    {
        long? number = JsonNumber.Of(error, "error_number"u8).OrNull;
        string[] words = [.. new[] { "error", "description", "source" }.Select(name => TextOf(error, name)).Where(text => text.Length > 0)];
        return new RestError(number, words.Length > 0 ? string.Join("; ", words) : "no description");
    }

    private static string TextOf(JsonElement error, string name) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? string.Concat(value.GetString()!.Where(c => !char.IsControl(c)).Take(200))
            : "";
}
