using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Sacct;

/// <summary>Runs <c>sacct</c>, which asks slurmdbd itself. Every argument is made here; nobody's text is among them, and no shell sees them.</summary>
internal sealed class SacctSource(SourceOptions options) : UsageSource(options)
{
    private const int ErrorCharsMax = 2000;

    // Bytes that no name of Slurm's can hold.
    private const char Separator = '\u001F';

    /// <summary>Columns that every version of sacct is asked for.</summary>
    public static readonly IReadOnlyList<string> Columns =
        ["JobID", "JobIDRaw", "Cluster", "Partition", "QOS", "Account", "User", "Submit", "Start", "End", "ElapsedRaw", "State", "AllocTRES"];

    private static readonly LineProblem TooLong = new(LineProblem.LineTooLong, null, $"The line is longer than {LineReader.LineBytesMax} bytes.");

    // Slurm has it since 26.05.
    private const string SluidField = "SLUID";

    // TRESUsageInTot is of all tasks, MaxRSS of the largest.
    private static readonly string[] UseFields = [.. Enum.GetValues<SacctField>().Where(field => field.IsOfUse()).Select(SacctFields.Name)];

    private HashSet<string>? known;

    /// <summary>Arguments for a span of time.</summary>
    public static IReadOnlyList<string> Arguments(
        IReadOnlyList<string> fields, string cluster, DateTimeOffset from, DateTimeOffset to, bool hasSteps = false) =>
    [
        "--allusers", .. hasSteps ? (string[])[] : ["--allocations"], "--duplicates", "--parsable2", "--noconvert", "--noheader", $"--delimiter={Separator}",
        $"--clusters={cluster}", $"--starttime={Instant(from)}", $"--endtime={Instant(to)}", $"--format={string.Join(',', fields)}",
    ];

    public override async IAsyncEnumerable<RecordChunk> ReadAsync(DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(Options.TimeoutSeconds));
        known ??= await KnownFieldsAsync(limit.Token, cancellation);
        string[] fields = FieldsToAsk(known);
        SacctLayout layout = Layout(fields);
        var form = TextForm.Of(layout);
        using var run = SacctProcess.Start(Options, Arguments(fields, Options.Cluster, from, to), limit.Token);
        var reader = new LineReader(run.Output, 0, 0);
        var parser = new SacctLineParser(layout);
        int records = 0;
        bool isWhole;
        while (true)
        {
            var chunk = new RecordChunk(ChunkRecordsMax, form);
            // The reader works on the bytes as they come; the pipe blocks, so it does so on a thread of its own.
            isWhole = await Task.Run(() => Fill(reader, parser, layout, chunk), CancellationToken.None);
            if (limit.IsCancellationRequested || !isWhole || chunk.Count == 0) break;
            records += chunk.Count;
            if (records > Options.AnswerRecordsMax)
                throw new SourceException(SourceFault.TooMuch, $"sacct prints more than {Options.AnswerRecordsMax} records (AnswerRecordsMax).");
            yield return chunk;
        }

        await run.EndAsync(limit.Token, cancellation);
        if (!isWhole) throw new SourceException(SourceFault.Unavailable, "sacct's output ended in the middle of a line.");
    }

    public override async IAsyncEnumerable<RecordChunk> MeasureAsync(DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(Options.TimeoutSeconds));
        known ??= await KnownFieldsAsync(limit.Token, cancellation);
        string[] ofUse = [.. UseFields.Where(known.Contains)];
        if (ofUse.Length == 0) yield break;

        string[] fields = [.. FieldsToAsk(known), .. ofUse];
        using var run = SacctProcess.Start(Options, Arguments(fields, Options.Cluster, from, to, hasSteps: true), limit.Token);
        var reader = new LineReader(run.Output, 0, 0);
        var parser = new SacctLineParser(Layout(fields));
        var steps = new StepLines(parser);
        bool isWhole;
        while (true)
        {
            var chunk = new RecordChunk(ChunkRecordsMax);
            isWhole = await Task.Run(() => Measure(reader, parser, steps, chunk), CancellationToken.None);
            if (limit.IsCancellationRequested || !isWhole || chunk.Measured.Count == 0) break;
            yield return chunk;
        }

        await run.EndAsync(limit.Token, cancellation);
        if (!isWhole) throw new SourceException(SourceFault.Unavailable, "sacct's output ended in the middle of a line.");

        // sacct ended well, so that nothing can follow the last run.
        var last = new RecordChunk(1);
        if (steps.Close(isWhole: true) is { } measured) last.Measured.Add(measured);
        yield return last;
    }

    internal static SacctLayout Layout(IReadOnlyList<string> fields) =>
        SacctLayout.TryCreate(fields, null, out SacctLayout layout, out string problem, Separator) ? layout : throw new UnreachableException(problem);

    private static string[] FieldsToAsk(HashSet<string> known) => [.. Columns, .. known.Contains(SluidField) ? (string[])[SluidField] : []];

    private async Task<HashSet<string>> KnownFieldsAsync(CancellationToken limit, CancellationToken caller)
    {
        using var run = SacctProcess.Start(Options, ["--helpformat"], limit);
        using var reader = new StreamReader(run.Output, Encoding.ASCII);
        string printed = await reader.ReadToEndAsync(CancellationToken.None);
        await run.EndAsync(limit, caller);
        return [.. printed.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <returns>False when the output ended in the middle of a line.</returns>
    private static bool Fill(LineReader reader, SacctLineParser parser, SacctLayout layout, RecordChunk chunk)
    {
        while (!chunk.IsFull && reader.TryRead(out ReadOnlySpan<byte> line, out LineEnd end))
        {
            if (end == LineEnd.Missing) return false;
            if (end == LineEnd.TooLong)
            {
                chunk.Quarantined.Add(new QuarantinedRecord(TooLong, QuarantineText.Of(line, layout, isWhole: false)));
                continue;
            }

            switch (parser.Parse(line, out JobRun run, out LineProblem? problem))
            {
                case LineKind.Run:
                    chunk.Runs.Add(run);
                    break;
                case LineKind.Malformed:
                    chunk.Quarantined.Add(new QuarantinedRecord(problem!, QuarantineText.Of(line, layout, isWhole: true)));
                    break;
                default:
                    // --allocations leaves steps out; one that comes all the same is nothing to charge.
                    break;
            }
        }

        return true;
    }

    /// <returns>False when the output ended in the middle of a line.</returns>
    private static bool Measure(LineReader reader, SacctLineParser parser, StepLines steps, RecordChunk chunk)
    {
        while (chunk.Measured.Count < ChunkRecordsMax && reader.TryRead(out ReadOnlySpan<byte> line, out LineEnd end))
        {
            if (end == LineEnd.Missing) return false;
            JobRun run = default;
            LineKind kind = end == LineEnd.Complete ? parser.Parse(line, out run, out _) : LineKind.Malformed;
            if (steps.Read(line, kind, run) is { } measured) chunk.Measured.Add(measured);
        }

        return true;
    }

    private static string Instant(DateTimeOffset instant) => string.Create(CultureInfo.InvariantCulture, $"uts{instant.ToUnixTimeSeconds()}");

    /// <summary>One run of the program, with an environment of its own.</summary>
    private sealed class SacctProcess : IDisposable
    {
        private readonly Process process;
        private readonly StringBuilder errors = new();
        private readonly CancellationTokenRegistration kill;

        private SacctProcess(Process process, CancellationToken limit)
        {
            this.process = process;
            process.ErrorDataReceived += (_, line) =>
            {
                lock (errors)
                {
                    if (line.Data is not null && errors.Length < ErrorCharsMax) errors.Append(line.Data).Append(' ');
                }
            };
            process.BeginErrorReadLine();
            kill = limit.Register(Kill);
        }

        public Stream Output => process.StandardOutput.BaseStream;

        /// <exception cref="SourceException">There is no such program.</exception>
        public static SacctProcess Start(SourceOptions options, IReadOnlyList<string> arguments, CancellationToken limit)
        {
            var start = new ProcessStartInfo(options.Command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
            start.Environment.Clear();
            start.Environment["PATH"] = "/usr/bin:/bin";
            start.Environment["LC_ALL"] = "C.UTF-8";
            start.Environment["TZ"] = "UTC";
            start.Environment["SLURM_TIME_FORMAT"] = "%s";
            if (options.SlurmConf is not null) start.Environment["SLURM_CONF"] = options.SlurmConf;
            try
            {
                Process started = Process.Start(start)!;
                started.StandardInput.Close();
                return new SacctProcess(started, limit);
            }
            catch (Exception failure) when (failure is Win32Exception or IOException)
            {
                throw new SourceException(SourceFault.Unavailable, $"{options.Command} cannot be run: {failure.Message}", failure);
            }
        }

        /// <summary>Waits for the end and believes the output only if all went well.</summary>
        public async Task EndAsync(CancellationToken limit, CancellationToken caller)
        {
            // After its output has ended there is not much left to wait for.
            await process.WaitForExitAsync(CancellationToken.None);
            caller.ThrowIfCancellationRequested();
            if (limit.IsCancellationRequested) throw new SourceException(SourceFault.Slow, "sacct did not end in time (TimeoutSeconds).");

            string said;
            lock (errors) said = string.Concat(errors.ToString().Trim().Select(c => char.IsControl(c) ? ' ' : c));
            if (process.ExitCode != 0) throw new SourceException(SourceFault.Unavailable, $"sacct ended with code {process.ExitCode}: {said}");
            // It reports a lost connection on stderr and may end as if nothing had happened.
            if (said.Contains("error", StringComparison.OrdinalIgnoreCase)) throw new SourceException(SourceFault.Unavailable, $"sacct reports: {said}");
        }

        public void Dispose()
        {
            kill.Dispose();
            Kill();
            process.Dispose();
        }

        private void Kill()
        {
            try
            {
                process.Kill(entireProcessTree: true);
            }
            catch (InvalidOperationException)
            {
                // It has ended by itself.
            }
        }
    }
}
