using System.Runtime.InteropServices;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Part of a log that is stored in one transaction.</summary>
/// <param name="fromOffset">Bytes of the log before it.</param>
/// <param name="linesMax">Lines it can hold.</param>
internal sealed class ImportChunk(long fromOffset, int linesMax)
{
    public long FromOffset { get; } = fromOffset;

    /// <summary>Bytes of the log up to and with it: the next checkpoint.</summary>
    public long ToOffset { get; set; }

    /// <summary>Lines of the log up to and with it.</summary>
    public long ToLine { get; set; }

    public List<JobRun> Runs { get; } = new(linesMax);

    /// <summary>Where each of <see cref="Runs"/> stands in the log.</summary>
    public List<LinePlace> Places { get; } = new(linesMax);

    public List<QuarantinedLine> Quarantined { get; } = [];

    /// <summary>What runs of the log made use of; a run of the chunk before may be among them.</summary>
    public List<MeasuredRun> Measured { get; } = [];

    public int Steps { get; set; }

    public int Lines => Runs.Count + Quarantined.Count + Steps;
}

/// <param name="Line">Number, counting from 1.</param>
/// <param name="Offset">Bytes of the log before it.</param>
/// <param name="Bytes">Its length with its line end.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LinePlace(long Line, long Offset, int Bytes);

/// <param name="Line">Number, counting from 1.</param>
/// <param name="Problem">Why it is no run.</param>
/// <param name="Text">What is kept of it; see <see cref="QuarantineText"/>.</param>
internal sealed record QuarantinedLine(long Line, LineProblem Problem, string Text);
