using HpcBilling.Rating.Domain;
using HpcBilling.Rating.RatingUsage;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>Decisions of one kind, a column each, for set-based SQL.</summary>
internal sealed class DecidedAdjustments(Guid id, int linesBefore, DateTimeOffset at)
{
    private readonly List<PendingAdjustment> rows = [];
    private readonly List<RunPrice> owed = [];
    private readonly List<string> changed = [];
    private readonly RatedColumns rated = new(0);

    public int Count => rows.Count;

    public long DifferenceMinor { get; private set; }

    public void Add(PendingAdjustment row, RunRating rating, RunPrice price, IReadOnlyList<string> names)
    {
        rows.Add(row);
        owed.Add(price);
        changed.Add(string.Join(' ', names));
        rated.Add(row.Tier, rating);
        DifferenceMinor += price.Amount.Minor - row.Billed.Price.Amount.Minor;
    }

    public object Columns(Guid org) => new
    {
        Org = org,
        Id = id,
        LinesBefore = linesBefore,
        At = at,
        JobKeys = rows.Select(row => row.JobKey).ToArray(),
        Changed = changed.ToArray(),
        rated.Ratings,
        rated.Reasons,
        rated.TariffVersions,
        rated.Currencies,
        rated.CpuMinors,
        rated.GpuMinors,
        rated.MemoryMinors,
        rated.AmountMinors,
        BilledCurrencies = owed.Select(price => price.Currency.Code).ToArray(),
        OwedCpuMinors = owed.Select(price => price.CpuMinor).ToArray(),
        OwedGpuMinors = owed.Select(price => price.GpuMinor).ToArray(),
        OwedMemoryMinors = owed.Select(price => price.MemoryMinor).ToArray(),
        BeforeCpuMinors = rows.Select(row => row.CpuMinor).ToArray(),
        BeforeGpuMinors = rows.Select(row => row.GpuMinor).ToArray(),
        BeforeMemoryMinors = rows.Select(row => row.MemoryMinor).ToArray(),
    };
}

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
