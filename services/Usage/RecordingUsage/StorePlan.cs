using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>What is to become of a run that a chunk tells of.</summary>
internal enum RunFate
{
    /// <summary>It stays as it is stored.</summary>
    Unchanged,
    New,

    /// <summary>More is known of it than is stored.</summary>
    Newer,

    /// <summary>It is stored as ended, and its source now tells otherwise.</summary>
    Corrected,

    /// <summary>The same facts, and Slurm's own identity of the run, which was not known.</summary>
    Named,
}

/// <summary>Compares a chunk, record by record, with what is stored and with the records before it, and says what is to be written.</summary>
/// <param name="origin">Where the chunk comes from.</param>
internal sealed class StorePlan(RunOrigin origin)
{
    public static readonly LineProblem ChangedAfterFinal = new(
        LineProblem.ChangedAfterFinal, null, "The run is stored as ended, with other facts than these.");

    private static readonly LineProblem OtherRun = new(
        LineProblem.Contradiction, "sluid", "sluid names another run than cluster, job, submit and start do.");

    private readonly Dictionary<string, PlannedRun> byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Cluster, string Sluid), PlannedRun> bySluid = [];

    public List<RefusedRun> Refused { get; } = [];

    /// <summary>Runs of earlier origins of which more is known now.</summary>
    public int Updated { get; private set; }

    public IEnumerable<PlannedRun> Of(RunFate fate) => byKey.Values.Where(planned => planned.Fate == fate);

    /// <summary>Takes in what is stored; twice does no harm.</summary>
    public void Know(RunRow row)
    {
        var planned = new PlannedRun(row.ToRun()) { ImportId = row.ImportId, Revision = row.Revision };
        if (byKey.TryAdd(row.JobKey, planned)) Name(planned, row.Sluid);
    }

    public void Compare(IReadOnlyList<JobRun> runs)
    {
        for (int i = 0; i < runs.Count; i++)
        {
            if (origin.IsToWait(runs[i])) continue;
            if (Compare(runs[i]) is { } problem) Refused.Add(new RefusedRun(i, problem));
        }
    }

    private LineProblem? Compare(in JobRun run)
    {
        byKey.TryGetValue(run.JobKey, out PlannedRun? known);
        if (run.Sluid is { } sluid)
        {
            // Slurm's own identity counts for more than the key that is made of what may change.
            bySluid.TryGetValue((run.Cluster, sluid), out PlannedRun? named);
            if (known is not null && (named ?? known) != known) return OtherRun;
            if (known?.Run.Sluid is { } other && other != sluid) return OtherRun;
            known ??= named;
        }

        if (known is null)
        {
            known = new PlannedRun(run) { ImportId = origin.Id, Revision = 1, Fate = RunFate.New };
            byKey.Add(run.JobKey, known);
            Name(known, run.Sluid);
            return null;
        }

        return Add(known, run with { JobKey = known.Run.JobKey });
    }

    private LineProblem? Add(PlannedRun known, in JobRun run)
    {
        RunKnowledge adds = RunComparison.Compare(known.Run, run);
        if (adds == RunKnowledge.ChangedAfterFinal && !origin.IsLive) return ChangedAfterFinal;

        string? sluid = run.Sluid ?? known.Run.Sluid;
        bool isNamed = sluid != known.Run.Sluid;
        if (adds is RunKnowledge.Newer or RunKnowledge.ChangedAfterFinal) Replace(known, run, adds == RunKnowledge.Newer ? RunFate.Newer : RunFate.Corrected);
        else if (isNamed && known.Fate == RunFate.Unchanged) known.Fate = RunFate.Named;
        if (isNamed || known.Run.Sluid is null) Name(known, sluid);
        return null;
    }

    private void Replace(PlannedRun known, in JobRun run, RunFate fate)
    {
        known.Run = run with { Sluid = run.Sluid ?? known.Run.Sluid };
        // What this chunk brought itself is told once, with the last of what it says.
        if (known.Fate is not (RunFate.Unchanged or RunFate.Named)) return;

        (known.Fate, known.Revision) = (fate, known.Revision + 1);
        if (fate == RunFate.Newer && known.ImportId != origin.Id) Updated++;
    }

    private void Name(PlannedRun planned, string? sluid)
    {
        if (sluid is null) return;
        planned.Run = planned.Run with { Sluid = sluid };
        bySluid[(planned.Run.Cluster, sluid)] = planned;
    }
}

/// <summary>A run as it will be once the plan is carried out.</summary>
internal sealed class PlannedRun(JobRun run)
{
    public JobRun Run { get; set; } = run;

    public required Guid ImportId { get; init; }

    public required int Revision { get; set; }

    public RunFate Fate { get; set; }
}

/// <param name="Index">Place in the chunk.</param>
/// <param name="Problem">Why it changes nothing.</param>
internal sealed record RefusedRun(int Index, LineProblem Problem);
