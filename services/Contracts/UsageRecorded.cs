using System.Text.Json.Serialization;

namespace HpcBilling.Contracts;

/// <summary>Runs that a usage source reported and that are now stored; at most <see cref="RunsMax"/> a message.</summary>
/// <param name="OrgId">Tenant that owns the runs.</param>
/// <param name="BatchId">Identity of this batch; the same batch may arrive more than once.</param>
/// <param name="ImportId">The import job that brought them.</param>
/// <param name="Runs">Never empty. Order carries no meaning.</param>
public sealed record UsageRecorded(Guid OrgId, Guid BatchId, Guid ImportId, IReadOnlyList<RecordedRun> Runs)
{
    public const int RunsMax = 500;

    /// <summary>Every run was told before, and has only been measured since: it counts for no import.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AddsNoRun { get; init; }
}

/// <summary>One finished or unfinished run of a job: a span of time in which it held resources.</summary>
/// <param name="JobKey">Cluster, raw job id, submit and start as one canonical string; unique in an org.</param>
/// <param name="Revision">1 for the first facts learnt of this run, then counting up; the higher one holds.</param>
/// <param name="Cluster">Name of the Slurm cluster.</param>
/// <param name="JobId">Display id (`1234_7` for an array task).</param>
/// <param name="RawJobId">Slurm's own number of the job.</param>
/// <param name="Username">Unix name of the user who ran it.</param>
/// <param name="Account">Slurm account (project).</param>
/// <param name="Partition">Partition it ran in.</param>
/// <param name="Qos">Quality of service.</param>
/// <param name="State">Slurm's state word, without the "by uid" of a cancellation.</param>
/// <param name="SubmittedAt">UTC.</param>
/// <param name="StartedAt">UTC; null when it never started.</param>
/// <param name="EndedAt">UTC; null while it runs.</param>
/// <param name="ChargedSeconds">Seconds that count: elapsed, without suspended time and without a part charged by an earlier record.</param>
/// <param name="Tres">What it was allocated.</param>
public sealed record RecordedRun(
    string JobKey,
    int Revision,
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
    AllocatedTres Tres)
{
    /// <summary>CPU time, user and system, of all its steps; null when nobody measured it. Shown, never charged; it may come without a new revision.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? CpuUsedMilliseconds { get; init; }

    /// <summary>Peak resident memory of its largest step, over all that step's tasks; null when nobody measured it. Shown, never charged.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MemoryUsedBytes { get; init; }
}

/// <summary>Allocated trackable resources of a run, totals over all its nodes.</summary>
/// <param name="Cpus">CPUs.</param>
/// <param name="MemoryMib">Memory, MiB.</param>
/// <param name="Nodes">Nodes.</param>
/// <param name="Gpus">GPUs of every type together.</param>
/// <param name="Billing">The scheduler's own integer billing rate; null when it gave none.</param>
/// <param name="GpusByType">Typed GPUs by model; empty when the record names none. They split <paramref name="Gpus"/>, they do not add to it.</param>
public sealed record AllocatedTres(
    long Cpus,
    long MemoryMib,
    long Nodes,
    long Gpus,
    long? Billing,
    IReadOnlyDictionary<string, long> GpusByType);
