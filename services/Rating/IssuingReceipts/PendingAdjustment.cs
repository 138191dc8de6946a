using HpcBilling.Rating.Domain;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>A billed run, with what its documents say together, what it says itself, and what is told now.</summary>
internal sealed record PendingAdjustment
{
    public string JobKey { get; init; } = "";
    public string Username { get; init; } = "";
    public string Tier { get; init; } = "";
    public string ToldUsername { get; init; } = "";
    public DateTimeOffset? BeforeStartedAt { get; init; }
    public DateTimeOffset? BeforeEndedAt { get; init; }
    public long BeforeChargedSeconds { get; init; }
    public long BeforeCpus { get; init; }
    public long BeforeGpus { get; init; }
    public long BeforeMemoryMib { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public long ChargedSeconds { get; init; }
    public long Cpus { get; init; }
    public long Gpus { get; init; }
    public long MemoryMib { get; init; }
    public string Currency { get; init; } = "";
    public long CpuMinor { get; init; }
    public long GpuMinor { get; init; }
    public long MemoryMinor { get; init; }
    public long RunCpuMinor { get; init; }
    public long RunGpuMinor { get; init; }
    public long RunMemoryMinor { get; init; }

    public RunFacts Facts => new(StartedAt, EndedAt, ChargedSeconds, Cpus, Gpus, MemoryMib);

    public RunPrice RunPrice => new(Domain.Currency.Of(Currency), RunCpuMinor, RunGpuMinor, RunMemoryMinor);

    public BilledRun Billed => new(
        Username, Tier, new RunFacts(BeforeStartedAt, BeforeEndedAt, BeforeChargedSeconds, BeforeCpus, BeforeGpus, BeforeMemoryMib),
        new RunPrice(Domain.Currency.Of(Currency), CpuMinor, GpuMinor, MemoryMinor));
}
