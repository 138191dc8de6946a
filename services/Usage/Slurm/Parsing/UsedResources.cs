using System.Runtime.InteropServices;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>
/// How much of what it was allocated an ended run made use of, as its steps tell it. Shown beside the charge, and no part of it.
/// </summary>
/// <param name="CpuMilliseconds">CPU time, user and system, of all steps together; null when nobody measured it.</param>
/// <param name="MemoryBytes">Resident memory of the largest step, over all its tasks; null when nobody measured it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct UsedResources(long? CpuMilliseconds, long? MemoryBytes)
{
    public bool IsKnown => CpuMilliseconds is not null || MemoryBytes is not null;
}

/// <summary>
/// Adds up the steps of one run and keeps none of them. CPU time is a sum. Memory is that of the largest step: which steps ran at the same
/// time is not told. Slurm's figure of a step is the sum of its tasks' peaks, which need not have fallen together; where a source gives the
/// largest task alone, it is that times the number of tasks.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct StepSum
{
    // 3000 years of one CPU; 1 EiB. What is more is garbage.
    private const long MicrosecondsMax = 100_000_000_000_000_000;
    private const long BytesMax = 1L << 60;

    private const long MicrosecondsPerMillisecond = 1000;

    private long microseconds;
    private long bytes;
    private bool lacksCpu;
    private bool lacksMemory;

    public int Steps { get; private set; }

    /// <summary>Null while a step is among them of which it is not known.</summary>
    public readonly long? Microseconds => Steps == 0 || lacksCpu ? null : microseconds;

    /// <param name="cpuMicroseconds">Null: not measured, so that the sum is not known either.</param>
    /// <param name="memoryBytes">Null or 0: not measured, since no process does without; the other steps' figures hold.</param>
    public void Add(long? cpuMicroseconds, long? memoryBytes)
    {
        Steps++;
        if (cpuMicroseconds is >= 0 and <= MicrosecondsMax and var cpu && microseconds <= MicrosecondsMax) microseconds += cpu;
        else lacksCpu = true;
        if (memoryBytes is < 0 or > BytesMax) lacksMemory = true;
        else if (memoryBytes > bytes) bytes = memoryBytes.Value;
    }

    /// <summary>A step used memory, and how much cannot be said; it may be the largest.</summary>
    public void LoseMemory() => lacksMemory = true;

    public readonly UsedResources Used() => Of(Microseconds, lacksMemory ? null : bytes);

    /// <summary>No CPU time beside no memory is what a cluster writes that measures nothing.</summary>
    public static UsedResources Of(long? microseconds, long? bytes)
    {
        long? memory = bytes > 0 ? bytes : null;
        bool isMeasured = microseconds > 0 || (microseconds is not null && memory is not null);
        return new UsedResources(isMeasured ? microseconds / MicrosecondsPerMillisecond : null, memory);
    }
}

/// <summary>A run and what it made use of.</summary>
/// <param name="JobKey">Of the run; see <see cref="Domain.JobKey"/>.</param>
/// <param name="EndedAt">The end up to which it was measured: of a run that is stored with another one it says nothing.</param>
/// <param name="Used">Something is known.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MeasuredRun(string JobKey, DateTimeOffset EndedAt, UsedResources Used)
{
    /// <returns>Null when nothing is known, or when the run goes on: its steps count when they end.</returns>
    public static MeasuredRun? Of(in JobRun run, UsedResources used) =>
        run is { StartedAt: not null, EndedAt: { } endedAt } && used.IsKnown ? new MeasuredRun(run.JobKey, endedAt, used) : null;
}
