using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using Npgsql;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>What became of a chunk's runs. Every run is counted in exactly one place.</summary>
/// <param name="Stored">Runs not known before.</param>
/// <param name="Updated">Runs of earlier origins that were not final and of which more is known now.</param>
/// <param name="Corrected">Runs that had ended and of which a live source tells otherwise now.</param>
/// <param name="Known">Records that add no run: the same facts again, an earlier look, more about a run that this origin has counted, or a job that still waits.</param>
/// <param name="Refused">Records that contradict what is stored.</param>
/// <param name="Batches">Batches that have runs to tell.</param>
internal sealed record StoredRuns(
    int Stored, int Updated, int Corrected, int Known, IReadOnlyList<RefusedRun> Refused, IReadOnlyList<Guid> Batches);

/// <summary>Stores the runs of a chunk, each once. Writers of an org take turns, so that what is compared cannot change meanwhile.</summary>
internal sealed class StoreRuns(OrgTransaction transaction, RunOrigin origin)
{
    public const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('runs/' || @Org, 0))";

    private const string ReadSql = $"SELECT {IncomingRuns.Columns} FROM runs WHERE org_id = @Org AND job_key = ANY(@Keys)";

    private const string ReadBySluidSql = $"""
        SELECT {IncomingRuns.Columns} FROM runs
        WHERE org_id = @Org AND (cluster, sluid) IN (SELECT * FROM unnest(@Clusters::text[], @Sluids::text[]))
        """;

    // What once held and was corrected is nothing new when an old file says it again.
    private const string ReadVersionsSql = """
        SELECT v.*, r.cluster, r.raw_job_id, r.job_id, r.import_id FROM run_versions v JOIN runs r USING (org_id, job_key)
        WHERE org_id = @Org AND job_key = ANY(@Keys)
        """;

    private const string Savepoint = "runs";

    private readonly Guid orgId = transaction.OrgId;
    private readonly IncomingRuns incoming = new(transaction, origin.Id);

    /// <summary>Waits until no other writer of the org is at it; the turn ends with the transaction.</summary>
    public static Task TakeTurnAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.ExecuteAsync(LockSql, new { Org = transaction.OrgId.ToString() }, cancellation);

    /// <param name="runs">In the order of the log.</param>
    /// <param name="expectsKnown">True when some are likely to be stored already: saves an attempt that would fail.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    public async Task<StoredRuns> StoreAsync(IReadOnlyList<JobRun> runs, bool expectsKnown, CancellationToken cancellation)
    {
        // A waiting job has nothing to charge and no settled key; it comes again when it has started, or ended without.
        JobRun[] settled = [.. runs.Where(run => !origin.IsToWait(run))];
        if (settled.Length == 0) return new StoredRuns(0, 0, 0, runs.Count, [], []);

        await TakeTurnAsync(transaction, cancellation);
        await incoming.CreateAsync(cancellation);
        if (!expectsKnown && await TryInsertAllAsync(settled, cancellation))
            return new StoredRuns(settled.Length, 0, 0, runs.Count - settled.Length, [], incoming.Batches);

        StorePlan plan = await PlanAsync(runs, cancellation);
        JobRun[] added = [.. plan.Of(RunFate.New).Select(planned => planned.Run)];
        await incoming.InsertAsync(added, cancellation);
        await incoming.UpdateAsync([.. plan.Of(RunFate.Newer).Select(planned => planned.Run)], cancellation);
        await incoming.NameAsync([.. plan.Of(RunFate.Named).Select(planned => planned.Run)], cancellation);
        PlannedRun[] corrected = [.. plan.Of(RunFate.Corrected)];
        if (corrected.Length > 0) await new CorrectRuns(transaction, origin, incoming).CorrectAsync(corrected, cancellation);

        int known = runs.Count - added.Length - plan.Updated - corrected.Length - plan.Refused.Count;
        return new StoredRuns(added.Length, plan.Updated, corrected.Length, known, plan.Refused, incoming.Batches);
    }

    // Much cheaper than looking first whether each row is there; a log that was seen before takes the other way.
    private async Task<bool> TryInsertAllAsync(JobRun[] runs, CancellationToken cancellation)
    {
        await transaction.Transaction.SaveAsync(Savepoint, cancellation);
        try
        {
            await incoming.InsertAsync(runs, cancellation);
            return true;
        }
        catch (PostgresException known) when (known.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // The scratch table is empty again, too.
            await transaction.Transaction.RollbackAsync(Savepoint, cancellation);
            incoming.Forget();
            return false;
        }
    }

    private async Task<StorePlan> PlanAsync(IReadOnlyList<JobRun> runs, CancellationToken cancellation)
    {
        var plan = new StorePlan(origin);
        string[] keys = [.. runs.Select(run => run.JobKey).Distinct(StringComparer.Ordinal)];
        foreach (RunRow row in await transaction.QueryAsync<RunRow>(ReadSql, new { Org = orgId, Keys = keys }, cancellation)) plan.Know(row);

        (string Cluster, string Sluid)[] named = [.. runs.Where(run => run.Sluid is not null).Select(run => (run.Cluster, run.Sluid!)).Distinct()];
        if (named.Length > 0)
        {
            var args = new { Org = orgId, Clusters = named.Select(run => run.Cluster).ToArray(), Sluids = named.Select(run => run.Sluid).ToArray() };
            foreach (RunRow row in await transaction.QueryAsync<RunRow>(ReadBySluidSql, args, cancellation)) plan.Know(row);
        }

        plan.Compare(runs);
        await ForgiveWhatOnceHeldAsync(plan, runs, cancellation);
        return plan;
    }

    private async Task ForgiveWhatOnceHeldAsync(StorePlan plan, IReadOnlyList<JobRun> runs, CancellationToken cancellation)
    {
        RefusedRun[] changed = [.. plan.Refused.Where(refused => refused.Problem == StorePlan.ChangedAfterFinal)];
        if (changed.Length == 0) return;

        string[] keys = [.. changed.Select(refused => runs[refused.Index].JobKey).Distinct(StringComparer.Ordinal)];
        ILookup<string, JobRun> versions = (await transaction.QueryAsync<RunRow>(ReadVersionsSql, new { Org = orgId, Keys = keys }, cancellation))
            .ToLookup(row => row.JobKey, row => row.ToRun(), StringComparer.Ordinal);
        plan.Refused.RemoveAll(refused => refused.Problem == StorePlan.ChangedAfterFinal
            && versions[runs[refused.Index].JobKey].Any(version => RunComparison.Compare(version, runs[refused.Index]) == RunKnowledge.Same));
    }
}
