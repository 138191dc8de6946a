using System.Globalization;
using System.Text.Json;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>
/// Reads one record of <c>/slurmdb/v0.0.x/jobs</c> into the same facts as <see cref="SacctLineParser"/> reads from a line, from data version 0.0.37 on.
/// What it does not know is passed over. Not thread-safe: it keeps the texts that repeat.
/// </summary>
/// <param name="cluster">The cluster that was asked for: another's record is not believed.</param>
/// <param name="version">Data version of the answer.</param>
internal sealed class JobRecordParser(string cluster, DataVersion version)
{
    // As Slurm's own tools choose one word for a state with flags.
    private static readonly string[] FlagsBeforeState =
    [
        "COMPLETING", "STAGE_OUT", "CONFIGURING", "RESIZING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "STOPPED", "REVOKED",
    ];

    private readonly AllocatedJson allocated = new();

    /// <param name="record">An element of <c>jobs</c>.</param>
    /// <param name="run">The run, when it returns true.</param>
    /// <param name="problem">What is wrong, when it returns false.</param>
    public bool TryParse(JsonElement record, out JobRun run, out LineProblem? problem)
    {
        run = default;
        try
        {
            problem = record.ValueKind == JsonValueKind.Object ? Read(record, out run) : new LineProblem(LineProblem.BadField, null, "The record is no object.");
        }
        catch (InvalidOperationException)
        {
            // System.Text.Json leaves it to the reader of a text to find bytes that are no UTF-8.
            problem = new LineProblem(LineProblem.NotUtf8, null, "A text of the record is not valid UTF-8.");
        }

        return problem is null;
    }

    private LineProblem? Read(JsonElement record, out JobRun run)
    {
        run = default;
        JsonElement association = Child(record, "association"u8);
        JsonElement time = Child(record, "time"u8);
        if (JsonNumber.Of(record, "job_id"u8) is not { OrNull: > 0 and var rawJobId }) return Bad("job_id", "is not a job number");
        if (!SlurmName.TryCluster(Text(record, "cluster"u8) ?? Text(association, "cluster"u8), out string name)) return Bad("cluster", "is not a cluster's name");
        if (name != cluster) return Bad("cluster", $"is {name}, though {cluster} was asked for");
        string user = Text(record, "user"u8) ?? Text(association, "user"u8) ?? "";
        if (user.Length == 0) return Bad("user", "is empty: nobody could be charged");
        string account = Text(record, "account"u8) ?? Text(association, "account"u8) ?? "";
        string partition = Text(record, "partition"u8) ?? "";
        string qos = Text(record, "qos"u8) ?? "";
        if (FirstUnprintable(("user", user), ("account", account), ("partition", partition), ("qos", qos)) is { } unprintable)
            return Bad(unprintable, $"is longer than {SlurmName.LengthMax} characters, or holds a control character");
        if (State(record) is not { } state) return Bad("state.current", "is not a state of Slurm");

        if (!TryInstant(time, "submission"u8, out DateTimeOffset? submit)) return BadTime("time.submission");
        if (submit is not { } submittedAt) return Bad("time.submission", "is not set");
        if (!TryInstant(time, "start"u8, out DateTimeOffset? started)) return BadTime("time.start");
        if (!TryInstant(time, "end"u8, out DateTimeOffset? endedAt)) return BadTime("time.end");
        if (Elapsed(time, started) is not { } elapsed) return Bad("time.elapsed", "is not a number of seconds");
        if (!allocated.TryRead(Allocated(record), out Tres tres, out string why)) return Bad("tres.allocated", why);
        if (!TrySluid(record, out string? sluid)) return Bad("sluid", "is not an identity of a run");

        if (version.TellsEligibleAsStart) (started, elapsed) = StartOf(time, started, endedAt, elapsed);
        DateTimeOffset? startedAt = JobRun.Began(state, started, endedAt);
        long charged = JobRun.Charge(elapsed, submittedAt, startedAt);
        if (JobRun.Contradiction(state, startedAt, endedAt, elapsed, charged, tres) is { } contradiction)
            return new LineProblem(LineProblem.Contradiction, contradiction.Field, $"{contradiction.Field} {contradiction.Message}");

        run = new JobRun(
            JobKey.Of(cluster, rawJobId, submittedAt, startedAt), cluster, DisplayId(record, rawJobId), rawJobId, user, account, partition, qos, state,
            submittedAt, startedAt, endedAt, charged, tres)
        { Sluid = sluid };
        return null;
    }

    // The start follows from the end. While a job runs there is none to count from: it waits to be known until it has ended.
    private static (DateTimeOffset? StartedAt, long Elapsed) StartOf(JsonElement time, DateTimeOffset? eligibleAt, DateTimeOffset? endedAt, long elapsed) =>
        eligibleAt is null || endedAt is null ? (null, 0) : (endedAt.Value.AddSeconds(-elapsed - (JsonNumber.Of(time, "suspended"u8).OrNull ?? 0)), elapsed);

    // A word until 0.0.39, an array of words since.
    private static string? State(JsonElement record)
    {
        JsonElement current = Child(Child(record, "state"u8), "current"u8);
        string? word = current.ValueKind switch
        {
            JsonValueKind.String => current.GetString(),
            JsonValueKind.Array => ChooseState([.. current.EnumerateArray().Take(16).Select(flag => flag.ValueKind == JsonValueKind.String ? flag.GetString()! : "")]),
            _ => null,
        };
        return word is { Length: > 0 and <= 40 } && word.All(c => char.IsAsciiLetterUpper(c) || c == '_') ? word : null;
    }

    private static string? ChooseState(string[] words) =>
        Array.Find(FlagsBeforeState, flag => words.Contains(flag, StringComparer.Ordinal)) ?? (words.Length > 0 ? words[0] : null);

    private static bool TryInstant(JsonElement time, ReadOnlySpan<byte> name, out DateTimeOffset? instant)
    {
        instant = null;
        JsonNumber number = JsonNumber.Of(time, name);
        if (!number.IsUsable) return false;
        if (number.OrNull is null or 0) return true;
        if (!SlurmTime.IsInstant(number.Value)) return false;

        instant = DateTimeOffset.FromUnixTimeSeconds(number.Value);
        return true;
    }

    private static long? Elapsed(JsonElement time, DateTimeOffset? startedAt)
    {
        JsonNumber number = JsonNumber.Of(time, "elapsed"u8);
        // Nobody says how long a job ran that has not started.
        if (number.Kind == JsonNumberKind.Unset && startedAt is null) return 0;
        return number.OrNull is { } seconds and >= 0 and <= Domain.Elapsed.SecondsMax ? seconds : null;
    }

    private static string DisplayId(JsonElement record, long rawJobId)
    {
        JsonElement array = Child(record, "array"u8);
        JsonElement het = Child(record, "het"u8);
        string id = rawJobId.ToString(CultureInfo.InvariantCulture);
        if (JsonNumber.Of(array, "job_id"u8).OrNull is > 0 and var arrayId)
        {
            if (JsonNumber.Of(array, "task_id"u8).OrNull is { } task) id = $"{arrayId}_{task}";
            else if (Text(array, "task"u8) is { } tasks && tasks.Length <= 60 && tasks.All(c => c is > ' ' and <= '~')) id = $"{arrayId}_[{tasks}]";
        }
        else if (JsonNumber.Of(het, "job_id"u8).OrNull is > 0 and var hetId && JsonNumber.Of(het, "job_offset"u8).OrNull is { } offset)
        {
            id = $"{hetId}+{offset}";
        }

        return id;
    }

    private static bool TrySluid(JsonElement record, out string? sluid)
    {
        sluid = Text(record, "sluid"u8);
        return sluid is null || JobRun.IsSluid(sluid);
    }

    private static string? FirstUnprintable(params ReadOnlySpan<(string Field, string Text)> names)
    {
        foreach ((string field, string text) in names)
        {
            if (!SlurmName.IsPrintable(text)) return field;
        }

        return null;
    }

    // Of a record that was in quarantine the text of RecordText is all there is.
    private static JsonElement Allocated(JsonElement record) =>
        record.TryGetProperty(RecordText.Allocated, out JsonElement kept) ? kept : Child(Child(record, "tres"u8), "allocated"u8);

    private static JsonElement Child(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement child) ? child : default;

    private static string? Text(JsonElement parent, ReadOnlySpan<byte> name)
    {
        JsonElement child = Child(parent, name);
        return child.ValueKind == JsonValueKind.String && child.GetString() is { Length: > 0 } text ? text : null;
    }

    private static LineProblem BadTime(string field) => Bad(field, "is not seconds since 1970");

    private static LineProblem Bad(string field, string why) => new(LineProblem.BadField, field, $"{field} {why}.");
}
