using HpcBilling.Contracts;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>A row of <c>runs</c>.</summary>
internal sealed record RunRow
{
    public Guid ImportId { get; init; }
    public Guid BatchId { get; init; }
    public long RawJobId { get; init; }
    public DateTimeOffset SubmittedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public long ChargedSeconds { get; init; }
    public long Cpus { get; init; }
    public long MemoryMib { get; init; }
    public long Nodes { get; init; }
    public long Gpus { get; init; }
    public long? Billing { get; init; }
    public int Revision { get; init; }
    public string JobKey { get; init; } = "";
    public string Cluster { get; init; } = "";
    public string JobId { get; init; } = "";
    public string Username { get; init; } = "";
    public string Account { get; init; } = "";
    public string Partition { get; init; } = "";
    public string Qos { get; init; } = "";
    public string State { get; init; } = "";
    public string? GpusByType { get; init; }
    public string? OtherTres { get; init; }
    public string? Sluid { get; init; }
    public long? CpuUsedMs { get; init; }
    public long? MemoryUsedBytes { get; init; }

    public JobRun ToRun() => new(
        JobKey, Cluster, JobId, RawJobId, Username, Account, Partition, Qos, State, SubmittedAt, StartedAt, EndedAt, ChargedSeconds,
        new Tres(Cpus, MemoryMib, Nodes, Gpus, Billing, GpusByType, OtherTres))
    { Sluid = Sluid };

    public RecordedRun ToMessage() => new(
        JobKey, Revision, Cluster, JobId, RawJobId, Username, Account, Partition, Qos, State, SubmittedAt, StartedAt, EndedAt, ChargedSeconds,
        new AllocatedTres(Cpus, MemoryMib, Nodes, Gpus, Billing, Tres.ReadGpusByType(GpusByType)))
    { CpuUsedMilliseconds = CpuUsedMs, MemoryUsedBytes = MemoryUsedBytes };
}
