namespace HpcBilling.Usage.Domain;

/// <summary>
/// Weighs what slurmdbd holds of a span against what is stored and what became of it: run by run, and by resource in TRES-seconds.
/// The order in which runs are added does not matter. A side counts a run in the span in which it ended by that side's own word.
/// </summary>
/// <param name="from">First instant, UTC.</param>
/// <param name="to">First instant behind it, UTC.</param>
/// <param name="namedMax">How many differences are kept by name; all are counted.</param>
internal sealed class MonthBalance(DateTimeOffset from, DateTimeOffset to, int namedMax)
{
    private static readonly int Columns = Enum.GetValues<BalanceColumn>().Length;

    private readonly SortedDictionary<string, decimal[]> totals = new(StringComparer.Ordinal);
    private readonly long[] runs = new long[Columns];
    private readonly SortedSet<(string Place, RunDifference Difference)> named = new(Comparer<(string Place, RunDifference Difference)>.Create(
        (one, other) => string.CompareOrdinal(one.Place, other.Place)));
    private readonly SortedDictionary<string, long> kinds = new(StringComparer.Ordinal);

    /// <summary>Everything that has to be zero.</summary>
    public long Differences { get; private set; }

    /// <summary>Records in quarantine of which nobody can say what they held: in no total.</summary>
    public long NotValued { get; private set; }

    /// <summary>How many there are of each kind.</summary>
    public IReadOnlyDictionary<string, long> Kinds => kinds;

    /// <summary>The first of them, by subject.</summary>
    public IEnumerable<RunDifference> Named => named.Select(entry => entry.Difference);

    public IEnumerable<TresBalance> Totals => totals.Select(entry => new TresBalance(entry.Key, entry.Value));

    public long Runs(BalanceColumn column) => runs[(int)column];

    /// <summary>A run that at least one side has.</summary>
    public void Add(BalancedRun run)
    {
        if (InSpan(run.Told)) Count(BalanceColumn.Slurmdbd, run.Told!.Value.Tres, run.Told.Value.ChargedSeconds, 1);
        if (InSpan(run.Stored)) Count(BalanceColumn.Stored, run.Stored!.Value.Tres, run.Stored.Value.ChargedSeconds, 1);
        if (!InSpan(run.Told) && !InSpan(run.Stored)) return;

        string? jobId = (run.Stored ?? run.Told)!.Value.JobId;
        IReadOnlyList<FactChange> changes = FactChange.Between(run.Stored, run.Told);
        if (run.Stored is null && run.QuarantineCode is { } code)
        {
            Count(BalanceColumn.Quarantined, run.Told!.Value.Tres, run.Told.Value.ChargedSeconds, 1);
            Name(new RunDifference(RunDifference.Quarantined, run.Key, jobId, code, changes));
        }
        else if (changes.Count > 0 || run.Stored is null || run.Told is null)
        {
            string kind = run.Stored is null ? RunDifference.MissingHere : run.Told is null ? RunDifference.UnknownThere : RunDifference.OtherFacts;
            Name(new RunDifference(kind, run.Key, jobId, null, changes));
        }

        if (run.ToldTimes > 1)
            Name(new RunDifference(RunDifference.SameKey, run.Key, jobId, null, [new FactChange("records", "1", FactChange.Text(run.ToldTimes))]));
        if (InSpan(run.Stored)) Rate(run.Key, run.Stored!.Value, run.Rated);
    }

    /// <summary>A record that cannot be a run.</summary>
    public void Add(RefusedRecord refused)
    {
        if (refused.Held is { } held && !(held.EndedAt >= from && held.EndedAt < to)) return;

        if (refused.Held is { } value)
        {
            Count(BalanceColumn.Slurmdbd, value.Tres, value.Seconds, 1);
            if (refused.IsKnown) Count(BalanceColumn.Quarantined, value.Tres, value.Seconds, 1);
        }
        else
        {
            NotValued++;
        }

        string kind = refused.IsKnown ? RunDifference.Quarantined : RunDifference.MissingHere;
        Name(new RunDifference(kind, refused.Digest, null, refused.Code, [new FactChange("record", null, refused.Text)]));
    }

    /// <summary>A run that rating has and nothing is stored of.</summary>
    public void AddUnknownHere(string key, RatedRun rated)
    {
        CountRated(Tres.None, rated);
        Name(new RunDifference(RunDifference.UnknownHere, key, null, rated.Class, [new FactChange("charged_seconds", FactChange.Text(rated.Latest.Seconds), null)]));
    }

    private void Rate(string key, in JobRun stored, RatedRun? rated)
    {
        if (rated is null)
        {
            Name(new RunDifference(RunDifference.UnknownToRating, key, stored.JobId, null, [new FactChange("charged_seconds", null, FactChange.Text(stored.ChargedSeconds))]));
            return;
        }

        CountRated(stored.Tres, rated);
        RatedFacts latest = rated.Latest;
        RatedFacts expected = RatedFacts.Of(stored);
        if (latest != expected || rated.ColumnOrNull is null)
        {
            FactChange[] changes =
            [
                .. RatedFacts.Texts(latest).Zip(RatedFacts.Texts(expected), (one, other) => new FactChange(one.Fact, one.Text, other.Text)).Where(change => change.Here != change.There),
            ];
            Name(new RunDifference(RunDifference.RatingDiffers, key, stored.JobId, rated.Class, changes));
        }

        FactChange[] owed = [.. rated.Parts.Prepend(rated).SelectMany(Owed)];
        if (owed.Length > 0) Name(new RunDifference(RunDifference.AwaitingAdjustment, key, stored.JobId, rated.Class, owed));
    }

    private static IEnumerable<FactChange> Owed(RatedRun part) => part.Newer is not { } newer ? [] : RatedFacts.Texts(part.Facts)
        .Zip(RatedFacts.Texts(newer), (one, other) => new FactChange(one.Fact, one.Text, other.Text)).Where(change => change.Here != change.There);

    // Rating prices CPUs, GPUs and memory; what else the run held follows its seconds.
    private void CountRated(Tres tres, RatedRun rated)
    {
        CountPart(tres, rated, 1);
        foreach (RatedRun part in rated.Parts) CountPart(tres, part, 0);
    }

    private void CountPart(Tres tres, RatedRun part, int count)
    {
        if (part.ColumnOrNull is not { } column) return;
        Count(column, part.Facts.With(tres), part.Facts.Seconds, count);
        if (part.Newer is not { } newer) return;
        Count(BalanceColumn.Unbilled, newer.With(tres), newer.Seconds, 0);
        Count(BalanceColumn.Unbilled, part.Facts.With(tres), -part.Facts.Seconds, 0);
    }

    private void Count(BalanceColumn column, Tres tres, long seconds, int count)
    {
        runs[(int)column] += count;
        foreach ((string name, decimal unitSeconds) in TresSeconds.Of(tres, seconds))
        {
            if (!totals.TryGetValue(name, out decimal[]? row)) totals.Add(name, row = new decimal[Columns]);
            row[(int)column] += unitSeconds;
        }
    }

    private void Name(RunDifference difference)
    {
        if (difference.IsDifference) Differences++;
        kinds[difference.Kind] = kinds.GetValueOrDefault(difference.Kind) + 1;
        // What has to be zero comes first; then by subject, whatever came first.
        named.Add(($"{(difference.IsDifference ? 0 : 1)} {difference.Subject} {difference.Kind}", difference));
        if (named.Count > namedMax) named.Remove(named.Max);
    }

    private bool InSpan(in JobRun? run) => run?.EndedAt is { } end && end >= from && end < to;
}
