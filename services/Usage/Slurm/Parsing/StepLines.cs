using System.Runtime.InteropServices;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>
/// Adds up the steps that stand behind their run, as sacct prints them. They count only when it is certain that all of them are there: another
/// run follows, or their CPU time is the run's own total. Steps without their run before them, as at the beginning of a part of a log, count
/// for nothing.
/// </summary>
internal sealed class StepLines(SacctLineParser parser)
{
    private const long MicrosecondsPerHour = 3_600_000_000;

    private JobRun? open;
    private StepFigures own;
    private StepSum sum;

    /// <param name="line">As the parser has just read it.</param>
    /// <param name="kind">What the parser took it for.</param>
    /// <param name="run">The run, when it is one.</param>
    /// <returns>A run before the line, when it ends here and anything is known of its use.</returns>
    public MeasuredRun? Read(ReadOnlySpan<byte> line, LineKind kind, in JobRun run)
    {
        if (kind == LineKind.Step)
        {
            Add(line);
            return null;
        }

        // What cannot be read may have been a step.
        MeasuredRun? before = Close(isWhole: kind == LineKind.Run);
        if (kind == LineKind.Run) (open, own, sum) = (run, parser.Figures(line, run.Tres.Cpus), default);
        return before;
    }

    /// <summary>The last run, at the end of a log.</summary>
    /// <param name="isWhole">False when more steps of the run may be elsewhere.</param>
    public MeasuredRun? Close(bool isWhole)
    {
        if (open is not { } run) return null;
        open = null;

        bool isComplete = own.CpuMicroseconds is > 0 and var total && sum.Microseconds is { } added ? IsSame(total, added) : isWhole;
        UsedResources steps = isComplete ? sum.Used() : default;
        long? cpu = own.CpuMicroseconds > 0 ? own.CpuMicroseconds : isComplete ? sum.Microseconds ?? own.CpuMicroseconds : null;
        return MeasuredRun.Of(run, StepSum.Of(cpu, Math.Max(own.MemoryBytes ?? 0, steps.MemoryBytes ?? 0)));
    }

    private void Add(ReadOnlySpan<byte> line)
    {
        if (open is not { } run) return;
        StepFigures step = parser.Figures(line, run.Tres.Cpus);
        if (step.RawJobId != run.RawJobId) return;

        sum.Add(step.CpuMicroseconds, step.MemoryBytes);
        if (step.IsMemoryLost) sum.LoseMemory();
    }

    // Each is cut to milliseconds when it is printed, and to seconds from an hour on.
    private bool IsSame(long total, long added) => Math.Abs(total - added) <= (sum.Steps + 1) * (total < MicrosecondsPerHour ? 1000L : 1_000_000);
}

/// <summary>What a line says of its use.</summary>
/// <param name="RawJobId">Of the run, also on the line of a step; 0 when it cannot be read.</param>
/// <param name="CpuMicroseconds">Null when it is not told.</param>
/// <param name="MemoryBytes">Of all its tasks; null when it is not told.</param>
/// <param name="IsMemoryLost">Memory is told of the largest task alone, and nobody says how many there were.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StepFigures(long RawJobId, long? CpuMicroseconds, long? MemoryBytes, bool IsMemoryLost);
