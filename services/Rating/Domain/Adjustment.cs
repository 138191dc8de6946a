namespace HpcBilling.Rating.Domain;

/// <summary>A billed run as its documents have it so far.</summary>
/// <param name="Username">Who was billed.</param>
/// <param name="Tier">At which it was billed; later facts are priced at the same.</param>
/// <param name="Facts">That were billed or adjusted last.</param>
/// <param name="Price">Its line and all adjustments since, added up line by line.</param>
internal sealed record BilledRun(string Username, string Tier, RunFacts Facts, RunPrice Price);

/// <summary>What follows from newer facts of a billed run. Its lines and adjustments add up to the price of the facts that were adjusted last, always.</summary>
/// <remarks>Source: docs/adr/0008-receipts.md.</remarks>
internal abstract record Adjustment
{
    private Adjustment()
    {
    }

    /// <summary>Another charge: the difference is owed, or to be given back.</summary>
    /// <param name="Rating">Where the run stands now: priced, or exempt and free.</param>
    /// <param name="Owed">What it costs now.</param>
    /// <param name="Changed">Names of the facts that differ.</param>
    internal sealed record Differs(RunRating Rating, RunPrice Owed, IReadOnlyList<string> Changed) : Adjustment;

    /// <summary>The newer facts hold, and cost the same on every line.</summary>
    internal sealed record CostsTheSame(RunRating Rating) : Adjustment;

    /// <summary>Nobody can say yet what it costs, or who owes it: nothing changes.</summary>
    internal sealed record Waits(string Reason) : Adjustment;

    public const string Unfinished = "unfinished";
    public const string OtherUser = "other_user";
    public const string OtherCurrency = "other_currency";

    /// <param name="billed">The run as it was billed.</param>
    /// <param name="username">Whose it is now said to be. It is nobody's decision here to give one person's charge to another.</param>
    /// <param name="facts">What holds now.</param>
    /// <param name="tariffs">Every version there is; the one in force at the new end prices it.</param>
    public static Adjustment Of(BilledRun billed, string username, RunFacts facts, TariffBook tariffs)
    {
        if (!string.Equals(username, billed.Username, StringComparison.Ordinal)) return new Waits(OtherUser);
        var rating = RunRating.Of(facts, billed.Tier, tariffs);
        return rating switch
        {
            RunRating.Unfinished => new Waits(Unfinished),
            RunRating.Unpriced unpriced => new Waits(unpriced.Reason),
            RunRating.Exempt => Against(billed, facts, rating, new RunPrice(billed.Price.Currency, 0, 0, 0)),
            RunRating.Priced priced when priced.Price.Currency != billed.Price.Currency => new Waits(OtherCurrency),
            RunRating.Priced priced => Against(billed, facts, rating, priced.Price),
            _ => throw new InvalidOperationException($"No adjustment for {rating}."),
        };
    }

    private static Adjustment Against(BilledRun billed, RunFacts facts, RunRating rating, RunPrice owed) =>
        owed == billed.Price ? new CostsTheSame(rating) : new Differs(rating, owed, RunFacts.Changed(billed.Facts, facts));
}
