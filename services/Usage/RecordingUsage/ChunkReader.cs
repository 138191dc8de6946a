using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Reads a log chunk by chunk, from any checkpoint on.</summary>
/// <param name="log">Positioned at <paramref name="offset"/>.</param>
/// <param name="layout">Columns of the log.</param>
/// <param name="offset">Bytes before the first line to read.</param>
/// <param name="lines">Lines before it.</param>
/// <param name="linesMax">Lines of a chunk.</param>
internal sealed class ChunkReader(Stream log, SacctLayout layout, long offset, long lines, int linesMax)
{
    // Lines of nothing but garbage can be long: a chunk ends here, however few it has.
    private const long ChunkBytesMax = 16 * 1024 * 1024;

    private static readonly LineProblem Truncated = new(
        LineProblem.Truncated, null, "The last line has no line end; sacct always writes one, so the line may be cut off.");

    private static readonly LineProblem TooLong = new(LineProblem.LineTooLong, null, $"The line is longer than {LineReader.LineBytesMax} bytes.");

    private readonly LineReader reader = new(log, offset, lines);
    private readonly SacctLineParser parser = new(layout);

    // Whoever goes on from a checkpoint in the middle of a job's steps knows nothing of its use.
    private readonly bool tellsUse = layout.TellsUse;
    private StepLines? steps;

    /// <returns>Null at the end of the log.</returns>
    public ImportChunk? Read(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var chunk = new ImportChunk(reader.Offset, linesMax);
        while (chunk.Lines < linesMax && reader.Offset - chunk.FromOffset < ChunkBytesMax)
        {
            var before = reader.Offset;
            if (!reader.TryRead(out var line, out var end))
            {
                // The log may be a part of one: more steps of its last run may stand in the next.
                AddMeasured(chunk, steps?.Close(isWhole: false));
                break;
            }

            // An empty line says nothing that could be lost.
            if (!line.IsEmpty) Add(chunk, line, end, before);
        }

        (chunk.ToOffset, chunk.ToLine) = (reader.Offset, reader.LineNumber);
        return chunk.ToOffset == chunk.FromOffset && chunk.Measured.Count == 0 ? null : chunk;
    }

    private void Add(ImportChunk chunk, ReadOnlySpan<byte> line, LineEnd end, long before)
    {
        if (end != LineEnd.Complete)
        {
            AddMeasured(chunk, steps?.Close(isWhole: false));
            Quarantine(chunk, line, end == LineEnd.TooLong ? TooLong : Truncated, isWhole: false);
            return;
        }

        LineKind kind = parser.Parse(line, out JobRun run, out var problem);
        if (tellsUse) AddMeasured(chunk, (steps ??= new StepLines(parser)).Read(line, kind, run));
        switch (kind)
        {
            case LineKind.Run:
                chunk.Runs.Add(run);
                chunk.Places.Add(new LinePlace(reader.LineNumber, before, (int)(reader.Offset - before)));
                break;
            case LineKind.Step:
                chunk.Steps++;
                break;
            default:
                Quarantine(chunk, line, problem!, isWhole: true);
                break;
        }
    }

    private static void AddMeasured(ImportChunk chunk, MeasuredRun? measured)
    {
        if (measured is { } run) chunk.Measured.Add(run);
    }

    private void Quarantine(ImportChunk chunk, ReadOnlySpan<byte> line, LineProblem problem, bool isWhole) =>
        chunk.Quarantined.Add(new QuarantinedLine(reader.LineNumber, problem, QuarantineText.Of(line, layout, isWhole)));
}
