using HpcBilling.Rating.Domain;

namespace HpcBilling.Rating.RatingUsage;

/// <summary>The columns of <c>runs</c> that rating decides, one array each, for set-based SQL.</summary>
internal sealed class RatedColumns(int capacity)
{
    private readonly List<string> ratings = new(capacity);
    private readonly List<string?> reasons = new(capacity);
    private readonly List<string> tiers = new(capacity);
    private readonly List<int?> tariffVersions = new(capacity);
    private readonly List<string?> currencies = new(capacity);
    private readonly List<long?> cpuMinors = new(capacity);
    private readonly List<long?> gpuMinors = new(capacity);
    private readonly List<long?> memoryMinors = new(capacity);
    private readonly List<long?> amountMinors = new(capacity);

    public string[] Ratings => [.. ratings];

    public string?[] Reasons => [.. reasons];

    public string[] Tiers => [.. tiers];

    public int?[] TariffVersions => [.. tariffVersions];

    public string?[] Currencies => [.. currencies];

    public long?[] CpuMinors => [.. cpuMinors];

    public long?[] GpuMinors => [.. gpuMinors];

    public long?[] MemoryMinors => [.. memoryMinors];

    public long?[] AmountMinors => [.. amountMinors];

    public void Add(string tier, RunRating rating)
    {
        var priced = rating as RunRating.Priced;
        ratings.Add(rating switch
        {
            RunRating.Unfinished => "unfinished",
            RunRating.Exempt => "exempt",
            RunRating.Unpriced => "unpriced",
            RunRating.Priced => "priced",
            _ => throw new InvalidOperationException($"No word for {rating}."),
        });
        reasons.Add(rating switch
        {
            RunRating.Exempt exempt => exempt.Reason,
            RunRating.Unpriced unpriced => unpriced.Reason,
            _ => null,
        });
        tiers.Add(tier);
        tariffVersions.Add(priced?.Tariff.Version);
        currencies.Add(priced?.Price.Currency.Code);
        cpuMinors.Add(priced?.Price.CpuMinor);
        gpuMinors.Add(priced?.Price.GpuMinor);
        memoryMinors.Add(priced?.Price.MemoryMinor);
        amountMinors.Add(priced?.Price.Amount.Minor);
    }
}
