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
