using System.Globalization;

namespace HpcBilling.Usage.Domain;

/// <summary>Something that keeps the two sides from being the same, or a run that stands aside for a known reason.</summary>
/// <param name="Kind">One of the words below.</param>
/// <param name="Subject">Job key, or the digest of a record that is no run.</param>
/// <param name="JobId">Display id, where there is one.</param>
/// <param name="Code">Why it is in quarantine, or what rating says; null otherwise.</param>
/// <param name="Changes">What is said here and there.</param>
internal sealed record RunDifference(string Kind, string Subject, string? JobId, string? Code, IReadOnlyList<FactChange> Changes)
{
    /// <summary>slurmdbd holds a run that is not stored here.</summary>
    public const string MissingHere = "missing_here";

    /// <summary>A run is stored here that slurmdbd does not hold.</summary>
    public const string UnknownThere = "unknown_there";

    /// <summary>Both have it, with other facts.</summary>
    public const string OtherFacts = "other_facts";

    /// <summary>slurmdbd holds several records of one key: job, submit and start are the same.</summary>
    public const string SameKey = "same_key";

    /// <summary>Rating has not heard of a stored run.</summary>
    public const string UnknownToRating = "unknown_to_rating";

    /// <summary>Rating has the run with other facts than are stored.</summary>
    public const string RatingDiffers = "rating_differs";

    /// <summary>Rating has a run that is not stored here.</summary>
    public const string UnknownHere = "unknown_here";

    /// <summary>slurmdbd holds a record that cannot be a run and is kept in quarantine. It has its place in the sum.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>A billed run of which slurmdbd tells other facts since; the difference is owed or to be given back. It has its place in the sum.</summary>
    public const string AwaitingAdjustment = "awaiting_adjustment";

    /// <summary>False for what is only named: the sums come out all the same.</summary>
    public bool IsDifference => Kind is not (Quarantined or AwaitingAdjustment);
}

/// <param name="Fact">Its name.</param>
/// <param name="Here">What is stored, or what rating charges; null when there is nothing.</param>
/// <param name="There">What slurmdbd says, or what is stored where rating is compared with that; null when there is nothing.</param>
internal sealed record FactChange(string Fact, string? Here, string? There)
{
    /// <summary>Every fact in which the two differ; with one of them missing, what is charged of the other.</summary>
    public static IReadOnlyList<FactChange> Between(in JobRun? here, in JobRun? there)
    {
        (string Fact, string? Text)[] ours = Facts(here);
        (string Fact, string? Text)[] theirs = Facts(there);
        return [.. ours.Zip(theirs, (one, other) => new FactChange(one.Fact, one.Text, other.Text)).Where(change => change.Here != change.There)];
    }

    public static string? Text(DateTimeOffset? instant) => instant?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    // The display id and Slurm's own identity are no facts to charge by: a log may leave them out.
    private static (string Fact, string? Text)[] Facts(in JobRun? run) =>
    [
        ("username", run?.Username), ("account", run?.Account), ("partition", run?.Partition), ("qos", run?.Qos), ("state", run?.State),
        ("submitted_at", Text(run?.SubmittedAt)), ("started_at", Text(run?.StartedAt)), ("ended_at", Text(run?.EndedAt)),
        ("charged_seconds", Number(run?.ChargedSeconds)), ("cpus", Number(run?.Tres.Cpus)), ("memory_mib", Number(run?.Tres.MemoryMib)),
        ("nodes", Number(run?.Tres.Nodes)), ("gpus", Number(run?.Tres.Gpus)), ("billing", Number(run?.Tres.Billing)),
        ("gpus_by_type", run?.Tres.GpusByType), ("other_tres", run?.Tres.Other),
    ];

    private static string? Number(long? number) => number is { } known ? Text(known) : null;
}
