namespace HpcBilling.Rating.Domain;

/// <summary>What rating a run depends on, besides the tier and the tariffs.</summary>
/// <param name="StartedAt">UTC; null when it never started.</param>
/// <param name="EndedAt">UTC; null while it runs.</param>
/// <param name="ChargedSeconds">Seconds that count; 0 or more.</param>
/// <param name="Cpus">Allocated, over all nodes.</param>
/// <param name="Gpus">Allocated, over all nodes and of every type.</param>
/// <param name="MemoryMib">Allocated, over all nodes.</param>
internal sealed record RunFacts(
    DateTimeOffset? StartedAt, DateTimeOffset? EndedAt, long ChargedSeconds, long Cpus, long Gpus, long MemoryMib)
{
    /// <summary>Names of the facts that differ, as the columns are called.</summary>
    public static IReadOnlyList<string> Changed(RunFacts before, RunFacts after)
    {
        var names = new List<string>();
        if (before.StartedAt != after.StartedAt) names.Add("started_at");
        if (before.EndedAt != after.EndedAt) names.Add("ended_at");
        if (before.ChargedSeconds != after.ChargedSeconds) names.Add("charged_seconds");
        if (before.Cpus != after.Cpus) names.Add("cpus");
        if (before.Gpus != after.Gpus) names.Add("gpus");
        if (before.MemoryMib != after.MemoryMib) names.Add("memory_mib");
        return names;
    }
}

/// <summary>Where a run stands before it is billed. Never zero in silence: what is not priced has a reason.</summary>
internal abstract record RunRating
{
    private RunRating()
    {
    }

    /// <summary>It still runs; no final charge yet.</summary>
    internal sealed record Unfinished : RunRating;

    /// <summary>It held nothing, and is never charged.</summary>
    internal sealed record Exempt(string Reason) : RunRating;

    /// <summary>It is owed for, but nothing says how much; it waits for a tariff.</summary>
    internal sealed record Unpriced(string Reason) : RunRating;

    internal sealed record Priced(TariffVersion Tariff, RunPrice Price) : RunRating;

    public const string NeverStarted = "never_started";
    public const string ZeroSeconds = "zero_seconds";
    public const string NothingAllocated = "nothing_allocated";
    public const string TierWithoutTariff = "tier_without_tariff";
    public const string NoTariffInForce = "no_tariff_in_force";
    public const string AmountOutOfRange = "amount_out_of_range";

    /// <summary>Decides a run's charge by the tariff of its user's tier in force when the run ended.</summary>
    /// <remarks>Slurm's state plays no part: a failed or cancelled run held its resources as long as a completed one.</remarks>
    public static RunRating Of(RunFacts run, string tier, TariffBook tariffs) => run switch
    {
        { EndedAt: null } => new Unfinished(),
        { StartedAt: null } => new Exempt(NeverStarted),
        { ChargedSeconds: 0 } => new Exempt(ZeroSeconds),
        { Cpus: 0, Gpus: 0, MemoryMib: 0 } => new Exempt(NothingAllocated),
        { EndedAt: { } endedAt } => tariffs.InForce(tier, endedAt) switch
        {
            { } tariff => PriceWith(tariff, run),
            null when tariffs.Knows(tier) => new Unpriced(NoTariffInForce),
            null => new Unpriced(TierWithoutTariff),
        },
    };

    private static RunRating PriceWith(TariffVersion tariff, RunFacts run)
    {
        try
        {
            var price = Pricing.Price(tariff, ChargedTres.Of(run.Cpus, run.Gpus, run.MemoryMib, run.ChargedSeconds));
            _ = price.Amount;
            return new Priced(tariff, price);
        }
        catch (OverflowException)
        {
            // One absurd record must not stop the 499 that came with it; it is named and waits for a correction.
            return new Unpriced(AmountOutOfRange);
        }
    }
}
