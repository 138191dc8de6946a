namespace HpcBilling.Usage.Domain;

/// <summary>What a record adds to what is stored of the same run.</summary>
internal enum RunKnowledge
{
    /// <summary>The stored facts again.</summary>
    Same,

    /// <summary>An earlier look at a run of which more is stored.</summary>
    Older,

    /// <summary>More than is stored: the run has gone on, or has ended.</summary>
    Newer,

    /// <summary>The run is stored as ended, with other facts than these.</summary>
    ChangedAfterFinal,
}

internal static class RunComparison
{
    /// <summary>
    /// Decides so that records may arrive in any order: an ended run outweighs an unfinished one, and of two unfinished looks
    /// the one that saw more holds.
    /// </summary>
    public static RunKnowledge Compare(in JobRun stored, in JobRun incoming)
    {
        // Neither the display id nor Slurm's own identity is a fact to charge by: a log may leave them out.
        if (stored == incoming with { JobId = stored.JobId, Sluid = stored.Sluid }) return RunKnowledge.Same;
        if (stored.EndedAt is not null) return incoming.EndedAt is null ? RunKnowledge.Older : RunKnowledge.ChangedAfterFinal;
        if (incoming.EndedAt is not null) return RunKnowledge.Newer;
        return OrderOfUnfinished(stored).CompareTo(OrderOfUnfinished(incoming)) < 0 ? RunKnowledge.Newer : RunKnowledge.Older;
    }

    // Ties are broken by the facts themselves, whatever they mean: the same two looks must end in the same state in either order.
    private static (long, string) OrderOfUnfinished(in JobRun run) =>
        (run.ChargedSeconds, string.Join('|', run.State, run.Username, run.Account, run.Partition, run.Qos, run.Tres));
}
