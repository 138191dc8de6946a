using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>
/// Reads one line of <c>sacct --parsable2</c> at a time. Works on the bytes of the line; what it allocates a run is its key and its display id.
/// Not thread-safe: it keeps the texts that repeat.
/// </summary>
internal sealed class SacctLineParser(SacctLayout layout)
{
    private readonly int[] ends = new int[layout.Columns];
    private readonly Interner<string> names = new(ReadName);
    private readonly Interner<string> clusters = new(ReadCluster);
    private readonly Interner<string> states = new(ReadState);
    private readonly Interner<Tres> tresTexts = new(ReadTres);

    /// <param name="line">Without its line end.</param>
    /// <param name="run">The run, when the line is one.</param>
    /// <param name="problem">What is wrong, when the line is malformed.</param>
    public LineKind Parse(ReadOnlySpan<byte> line, out JobRun run, out LineProblem? problem)
    {
        run = default;
        problem = null;
        if (!Utf8.IsValid(line)) return Malformed(LineProblem.NotUtf8, null, "The line is not valid UTF-8.", out problem);

        var columns = Split(line);
        if (columns < layout.Columns || (columns > layout.Columns && !layout.JobNameIsLast))
            return Malformed(LineProblem.WrongFieldCount, null, $"The line has {columns} fields instead of {layout.Columns}.", out problem);
        if (IsStep(line)) return LineKind.Step;
        return ParseRun(line, out run, out problem);
    }

    /// <summary>What the line that was read last says of its use.</summary>
    /// <param name="line">That line.</param>
    /// <param name="cpus">Of its run: on one CPU there is one task.</param>
    public StepFigures Figures(ReadOnlySpan<byte> line, long cpus)
    {
        var id = Column(line, SacctField.JobIdRaw);
        var point = id.IndexOf((byte)'.');
        UsedText.TryNumber(point < 0 ? id : id[..point], out var rawJobId);
        var cpu = UsedText.CpuMicroseconds(Column(line, SacctField.TotalCpu));
        if (UsedText.MemoryOfTres(Column(line, SacctField.TresUsageInTot)) is { } total) return new StepFigures(rawJobId, cpu, total, false);
        if (UsedText.MemoryBytes(Column(line, SacctField.MaxRss)) is not (> 0 and var largest)) return new StepFigures(rawJobId, cpu, null, false);

        var isKnown = UsedText.TryNumber(Column(line, SacctField.NTasks), out var tasks) && tasks > 0;
        if (!isKnown && (cpus == 1 || (point >= 0 && IsOneTask(id[(point + 1)..])))) (isKnown, tasks) = (true, 1);
        return isKnown && largest <= long.MaxValue / tasks ? new StepFigures(rawJobId, cpu, largest * tasks, false) : new StepFigures(rawJobId, cpu, null, true);
    }

    // The script itself, and what Slurm starts beside it.
    private static bool IsOneTask(ReadOnlySpan<byte> step) =>
        step.SequenceEqual("batch"u8) || step.SequenceEqual("extern"u8) || step.SequenceEqual("interactive"u8);

    private LineKind ParseRun(ReadOnlySpan<byte> line, out JobRun run, out LineProblem? problem)
    {
        run = default;
        if (!TryRawJobId(Column(line, SacctField.JobIdRaw), out var rawJobId)) return BadField(SacctField.JobIdRaw, "is not a job number", out problem);
        if (!TryJobId(line, out var jobId)) return BadField(SacctField.JobId, "is not a job id", out problem);
        if (!TryCluster(line, out var cluster, out var why)) return BadField(SacctField.Cluster, why, out problem);
        if (!names.TryGet(Column(line, SacctField.User), out var user, out why)) return BadField(SacctField.User, why, out problem);
        if (user.Length == 0) return BadField(SacctField.User, "is empty: nobody could be charged", out problem);
        if (!names.TryGet(Column(line, SacctField.Account), out var account, out why)) return BadField(SacctField.Account, why, out problem);
        if (!names.TryGet(Column(line, SacctField.Partition), out var partition, out why)) return BadField(SacctField.Partition, why, out problem);
        if (!names.TryGet(Column(line, SacctField.Qos), out var qos, out why)) return BadField(SacctField.Qos, why, out problem);
        if (!states.TryGet(Column(line, SacctField.State), out var state, out why)) return BadField(SacctField.State, why, out problem);
        if (!SlurmTime.TryParse(Column(line, SacctField.Submit), out var submit)) return BadTime(SacctField.Submit, out problem);
        if (submit is not { } submittedAt) return BadField(SacctField.Submit, "is not set", out problem);
        if (!SlurmTime.TryParse(Column(line, SacctField.Start), out var start)) return BadTime(SacctField.Start, out problem);
        if (!SlurmTime.TryParse(Column(line, SacctField.End), out var endedAt)) return BadTime(SacctField.End, out problem);
        var elapsedField = layout.ColumnOf(SacctField.ElapsedRaw) >= 0 ? SacctField.ElapsedRaw : SacctField.Elapsed;
        if (!Elapsed.TryParse(Column(line, elapsedField), out var elapsed)) return BadField(elapsedField, "is neither [days-]hh:mm:ss nor seconds", out problem);
        if (!tresTexts.TryGet(Column(line, SacctField.AllocTres), out var tres, out why)) return BadField(SacctField.AllocTres, why, out problem);

        if (!TrySluid(line, out var sluid)) return BadField(SacctField.Sluid, "is not an identity of a run", out problem);

        var startedAt = JobRun.Began(state, start, endedAt);
        var charged = JobRun.Charge(elapsed, submittedAt, startedAt);
        if (JobRun.Contradiction(state, startedAt, endedAt, elapsed, charged, tres) is { } contradiction)
            return Malformed(LineProblem.Contradiction, contradiction.Field, $"{contradiction.Field} {contradiction.Message}", out problem);

        problem = null;
        run = new JobRun(
            JobKey.Of(cluster, rawJobId, submittedAt, startedAt), cluster, jobId, rawJobId, user, account, partition, qos, state,
            submittedAt, startedAt, endedAt, charged, tres)
        { Sluid = sluid };
        return LineKind.Run;
    }

    /// <returns>How many columns the line has; only those of the layout are marked.</returns>
    private int Split(ReadOnlySpan<byte> line)
    {
        var (columns, position) = (0, 0);
        while (columns < ends.Length - 1)
        {
            var length = line[position..].IndexOf(layout.Separator);
            if (length < 0) break;
            ends[columns++] = position + length;
            position += length + 1;
        }

        ends[columns++] = line.Length;
        return columns + line[position..].Count(layout.Separator);
    }

    private ReadOnlySpan<byte> Column(ReadOnlySpan<byte> line, SacctField field)
    {
        var column = layout.ColumnOf(field);
        if (column < 0) return default;
        var start = column == 0 ? 0 : ends[column - 1] + 1;
        return line[start..ends[column]];
    }

    private bool IsStep(ReadOnlySpan<byte> line) =>
        Column(line, SacctField.JobIdRaw).Contains((byte)'.') || Column(line, SacctField.JobId).Contains((byte)'.');

    private static bool TryRawJobId(ReadOnlySpan<byte> text, out long id)
    {
        id = 0;
        if (text.Length is 0 or > 18 || text.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        return Utf8Parser.TryParse(text, out id, out _) && id > 0;
    }

    private bool TryJobId(ReadOnlySpan<byte> line, out string jobId)
    {
        var text = Column(line, layout.ColumnOf(SacctField.JobId) >= 0 ? SacctField.JobId : SacctField.JobIdRaw);
        jobId = string.Empty;
        if (text.IsEmpty || text.Length > SlurmName.LengthMax || text.ContainsAnyExceptInRange((byte)'!', (byte)'~')) return false;

        jobId = Encoding.ASCII.GetString(text);
        return true;
    }

    private bool TrySluid(ReadOnlySpan<byte> line, out string? sluid)
    {
        var text = Column(line, SacctField.Sluid);
        sluid = text.IsEmpty ? null : Encoding.UTF8.GetString(text);
        return sluid is null || JobRun.IsSluid(sluid);
    }

    private bool TryCluster(ReadOnlySpan<byte> line, out string cluster, out string why)
    {
        (cluster, why) = (layout.Cluster ?? string.Empty, string.Empty);
        return layout.Cluster is not null || clusters.TryGet(Column(line, SacctField.Cluster), out cluster, out why);
    }

    private static string? ReadName(ReadOnlySpan<byte> utf8, string text, out string problem)
    {
        problem = $"is longer than {SlurmName.LengthMax} characters, or holds a control character";
        return SlurmName.IsPrintable(text) ? text : null;
    }

    private static string? ReadCluster(ReadOnlySpan<byte> utf8, string text, out string problem)
    {
        problem = "is not a cluster's name";
        return SlurmName.TryCluster(text, out var cluster) ? cluster : null;
    }

    private static string? ReadState(ReadOnlySpan<byte> utf8, string text, out string problem)
    {
        problem = "is not a state of Slurm";
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        var word = space < 0 ? text : text[..space];
        return word.Length is > 0 and <= 40 && word.All(c => char.IsAsciiLetterUpper(c) || c == '_') ? word : null;
    }

    private static Tres? ReadTres(ReadOnlySpan<byte> utf8, string text, out string problem)
    {
        if (SlurmName.HasControl(text))
        {
            problem = "holds a control character";
            return null;
        }

        return TresText.TryParse(utf8, out var tres, out problem) ? tres : null;
    }

    private static LineKind BadTime(SacctField field, out LineProblem? problem) =>
        BadField(field, "is neither yyyy-mm-ddThh:mm:ss in UTC nor seconds since 1970", out problem);

    private static LineKind BadField(SacctField field, string why, out LineProblem? problem) =>
        Malformed(LineProblem.BadField, field.Name(), $"{field.Name()} {why}.", out problem);

    private static LineKind Malformed(string code, string? field, string reason, out LineProblem? problem)
    {
        problem = new LineProblem(code, field, reason);
        return LineKind.Malformed;
    }
}
