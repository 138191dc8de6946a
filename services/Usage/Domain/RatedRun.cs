namespace HpcBilling.Usage.Domain;

/// <summary>What became of a run in rating.</summary>
/// <param name="Class"><c>billed</c>, <c>unbilled</c>, <c>exempt</c>, or <c>unfinished</c> for a run whose end rating has not heard of.</param>
/// <param name="Facts">What it is charged for, or will be.</param>
/// <param name="Newer">Facts that came after it was billed; null when there are none.</param>
internal sealed record RatedRun(string Class, RatedFacts Facts, RatedFacts? Newer)
{
    public const string Billed = "billed";
    public const string Unbilled = "unbilled";
    public const string Exempt = "exempt";

    /// <summary>Its parts in further months, where the site cuts runs at the end of a month; this is the first part then.</summary>
    public IReadOnlyList<RatedRun> Parts { get; init; } = [];

    /// <summary>What rating has heard of the whole run at last.</summary>
    public RatedFacts Latest
    {
        get
        {
            RatedFacts first = Newer ?? Facts;
            return first with { Seconds = first.Seconds + Parts.Sum(part => (part.Newer ?? part.Facts).Seconds) };
        }
    }

    public BalanceColumn? ColumnOrNull => Class switch
    {
        Billed => BalanceColumn.Billed,
        Unbilled => BalanceColumn.Unbilled,
        Exempt => BalanceColumn.Exempt,
        _ => null,
    };
}

/// <summary>The facts that rating has a price for, and the nodes.</summary>
internal sealed record RatedFacts(long Seconds, long Cpus, long MemoryMib, long Gpus, long Nodes)
{
    public static RatedFacts Of(in JobRun run) => new(run.ChargedSeconds, run.Tres.Cpus, run.Tres.MemoryMib, run.Tres.Gpus, run.Tres.Nodes);

    public static IEnumerable<(string Fact, string Text)> Texts(RatedFacts facts) =>
    [
        ("charged_seconds", FactChange.Text(facts.Seconds)), ("cpus", FactChange.Text(facts.Cpus)), ("memory_mib", FactChange.Text(facts.MemoryMib)),
        ("gpus", FactChange.Text(facts.Gpus)), ("nodes", FactChange.Text(facts.Nodes)),
    ];

    public Tres With(Tres others) => others with { Cpus = Cpus, MemoryMib = MemoryMib, Gpus = Gpus, Nodes = Nodes };
}
