namespace HpcBilling.Usage.Domain;

/// <summary>One run of a job: a span of time in which it held resources, or waited in vain for them.</summary>
/// <param name="JobKey">Its identity in an org; see <see cref="Domain.JobKey"/>.</param>
/// <param name="Cluster">Name of the Slurm cluster, lower case.</param>
/// <param name="JobId">Display id (<c>1234_7</c> for an array task, <c>1234+1</c> for a component of a heterogeneous job).</param>
/// <param name="RawJobId">Slurm's own number of the job.</param>
/// <param name="Username">Unix name of the user who ran it.</param>
/// <param name="Account">Slurm account (project).</param>
/// <param name="Partition">Partition it ran in.</param>
/// <param name="Qos">Quality of service.</param>
/// <param name="State">Slurm's state word, without the "by uid" of a cancellation.</param>
/// <param name="SubmittedAt">UTC.</param>
/// <param name="StartedAt">UTC; null when it never started.</param>
/// <param name="EndedAt">UTC; null while it waits or runs, so that its charge is not final.</param>
/// <param name="ChargedSeconds">See <see cref="Charge"/>.</param>
/// <param name="Tres">What it was allocated.</param>
internal readonly record struct JobRun(
    string JobKey,
    string Cluster,
    string JobId,
    long RawJobId,
    string Username,
    string Account,
    string Partition,
    string Qos,
    string State,
    DateTimeOffset SubmittedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt,
    long ChargedSeconds,
    Tres Tres)
{
    private const int SluidLengthMax = 64;
    private const int StartingSeconds = 5;

    /// <summary>Slurm's own identity of the run, where it gives one (JSON from data version 0.0.45 on); null otherwise.</summary>
    public string? Sluid { get; init; }

    /// <summary>It has neither started nor ended. Its key is not settled yet, since the start is part of it, and there is nothing to charge.</summary>
    public bool IsWaiting => StartedAt is null && EndedAt is null;

    /// <summary>
    /// It has just started. Slurm writes the start of a running job more than once within a moment (a resized job's first as that of the resize), and
    /// what was stored under a start that no longer holds would stay there and run for ever.
    /// </summary>
    public bool IsStarting => StartedAt is not null && EndedAt is null && ChargedSeconds < StartingSeconds;

    /// <summary>CPUs × charged seconds.</summary>
    public decimal CpuCoreSeconds => (decimal)Tres.Cpus * ChargedSeconds;

    /// <summary>GPUs × charged seconds.</summary>
    public decimal GpuSeconds => (decimal)Tres.Gpus * ChargedSeconds;

    /// <summary>
    /// Seconds that count. A resized job's later record repeats the original start but has the resize as its submit, so that its elapsed
    /// counts the first part again: a record is charged from the later of the two.
    /// </summary>
    /// <param name="elapsedSeconds">End − start − suspended, as Slurm gives it.</param>
    /// <param name="submittedAt">Of the record.</param>
    /// <param name="startedAt">Of the record; nothing is charged before it.</param>
    public static long Charge(long elapsedSeconds, DateTimeOffset submittedAt, DateTimeOffset? startedAt)
    {
        if (startedAt is not { } start) return 0;

        var chargedBefore = Math.Max(0, (submittedAt - start).Ticks / TimeSpan.TicksPerSecond);
        return Math.Max(0, elapsedSeconds - chargedBefore);
    }

    /// <summary>
    /// When the run began. Slurm lets a job that was cancelled before its time start in the future: it is taken to start and end at once, as
    /// sacct prints it. What waits has not started, whatever is expected of it.
    /// </summary>
    public static DateTimeOffset? Began(string state, DateTimeOffset? startedAt, DateTimeOffset? endedAt)
    {
        if (endedAt is null) return state == "PENDING" ? null : startedAt;
        return startedAt > endedAt ? endedAt : startedAt;
    }

    public static bool IsSluid(string text) => text.Length is > 0 and <= SluidLengthMax && text.All(c => c is > ' ' and <= '~');

    /// <summary>What a record says that cannot be true of any run, or null.</summary>
    /// <returns>The field to blame and a sentence.</returns>
    public static (string Field, string Message)? Contradiction(
        string state, DateTimeOffset? startedAt, DateTimeOffset? endedAt, long elapsedSeconds, long chargedSeconds, Tres tres)
    {
        if (startedAt is null && elapsedSeconds > 0)
            return ("Start", $"has not happened, though {elapsedSeconds} s have elapsed");
        if (endedAt is not null && state is "PENDING" or "RUNNING" or "SUSPENDED")
            return ("End", $"is set, though the state is {state}: was the log cut to a window (sacct --truncate)?");
        if (startedAt is { } start && endedAt is { } end && elapsedSeconds > (end - start).Ticks / TimeSpan.TicksPerSecond)
            return ("Elapsed", $"is {elapsedSeconds} s, more than lie between Start and End: are the times in UTC?");
        // Never priced at zero in silence.
        if (chargedSeconds > 0 && tres.Cpus == 0)
            return ("AllocTRES", $"names no cpu, though the run lasted {chargedSeconds} s");
        if ((Int128)chargedSeconds * tres.MemoryMib > long.MaxValue)
            return ("AllocTRES", "mem × seconds is more than can be priced");
        return null;
    }
}
