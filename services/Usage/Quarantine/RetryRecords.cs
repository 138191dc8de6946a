using System.Globalization;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Quarantine;

/// <summary>What became of records that were read again. Every one of them is counted in exactly one place.</summary>
/// <param name="Stored">Runs that were not known, or of which more is known now.</param>
/// <param name="Known">Records that add no run: it is stored already, or there is nothing to charge.</param>
/// <param name="Refused">Records that are still no run; they stay in quarantine, with the reason of today.</param>
internal sealed record RetriedRecords(int Stored, int Known, int Refused)
{
    public static readonly RetriedRecords None = new(0, 0, 0);

    public int Count => Stored + Known + Refused;

    public static RetriedRecords operator +(RetriedRecords one, RetriedRecords other) =>
        new(one.Stored + other.Stored, one.Known + other.Known, one.Refused + other.Refused);
}

/// <summary>
/// Reads kept records of one origin again and stores what they are as their import would have: runs, the references of the messages, the
/// state of the records and the audit entry in one transaction.
/// </summary>
internal sealed class RetryRecords(Database database)
{
    private const string LockSql = "SELECT * FROM quarantine WHERE org_id = @Org AND id = ANY(@Ids) AND state = 'open' AND is_whole ORDER BY id FOR UPDATE";

    private const string MarkSql = """
        UPDATE quarantine q SET
            tries = q.tries + 1, tried_at = now(), state = CASE WHEN t.code IS NULL THEN 'retried' ELSE 'open' END, job_key = t.job_key,
            code = coalesce(t.code, q.code), field = CASE WHEN t.code IS NULL THEN q.field ELSE t.field END, reason = coalesce(t.reason, q.reason),
            resolved_at = CASE WHEN t.code IS NULL THEN now() END, resolved_by = CASE WHEN t.code IS NULL THEN @By END
        FROM unnest(@Ids::uuid[], @Keys::text[], @Codes::text[], @Fields::text[], @Reasons::text[]) AS t (id, job_key, code, field, reason)
        WHERE q.org_id = @Org AND q.id = t.id
        """;

    /// <param name="caller">Who asked.</param>
    /// <param name="origin">Where all of them come from.</param>
    /// <param name="ids">Records; what is not open any more is passed over.</param>
    /// <param name="subject">Of the audit entry.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    public async Task<RetriedRecords> RetryAsync(Caller caller, RunOrigin origin, Guid[] ids, string subject, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        // Before the rows, as whoever reads a source does: nobody waits for the other.
        await StoreRuns.TakeTurnAsync(transaction, cancellation);
        IReadOnlyList<QuarantinedRow> rows = await transaction.QueryAsync<QuarantinedRow>(LockSql, new { Org = caller.OrgId, Ids = ids }, cancellation);
        if (rows.Count == 0) return RetriedRecords.None;

        Attempt[] attempts = [.. rows.Select(row => new Attempt(row.Id, row.Read()))];
        Attempt[] parsed = [.. attempts.Where(attempt => attempt.Record is KeptRecord.IsRun)];
        JobRun[] runs = [.. parsed.Select(attempt => ((KeptRecord.IsRun)attempt.Record).Run)];
        StoredRuns result = await new StoreRuns(transaction, origin).StoreAsync(runs, expectsKnown: true, cancellation);
        foreach (RefusedRun refused in result.Refused) parsed[refused.Index].Problem = refused.Problem;
        foreach (Guid batch in result.Batches) await transaction.EnqueueReferenceAsync<UsageRecorded>(batch.ToString(), cancellation);

        await MarkAsync(transaction, caller, attempts, cancellation);
        int stillRefused = attempts.Count(attempt => attempt.Problem is not null);
        int stored = result.Stored + result.Updated;
        var retried = new RetriedRecords(stored, attempts.Length - stored - stillRefused, stillRefused);
        await transaction.AuditAsync(caller.Act("quarantine.retried", subject, Details(origin, retried)), cancellation);
        await transaction.CommitAsync(cancellation);

        UsageMetrics.Runs.Add(stored);
        return retried;
    }

    private static async Task MarkAsync(OrgTransaction transaction, Caller caller, Attempt[] attempts, CancellationToken cancellation)
    {
        var rows = new
        {
            Org = caller.OrgId, By = caller.Username,
            Ids = attempts.Select(attempt => attempt.Id).ToArray(),
            Keys = attempts.Select(attempt => attempt.Problem is null && attempt.Record is KeptRecord.IsRun found ? found.Run.JobKey : null).ToArray(),
            Codes = attempts.Select(attempt => attempt.Problem?.Code).ToArray(),
            Fields = attempts.Select(attempt => attempt.Problem?.Field).ToArray(),
            Reasons = attempts.Select(attempt => attempt.Problem?.Reason).ToArray(),
        };
        await transaction.ExecuteAsync(MarkSql, rows, cancellation);
    }

    private static Dictionary<string, string> Details(RunOrigin origin, RetriedRecords retried) => new(StringComparer.Ordinal)
    {
        ["source"] = origin.Source,
        ["stored"] = retried.Stored.ToString(CultureInfo.InvariantCulture),
        ["known"] = retried.Known.ToString(CultureInfo.InvariantCulture),
        ["refused"] = retried.Refused.ToString(CultureInfo.InvariantCulture),
    };

    private sealed class Attempt(Guid id, KeptRecord record)
    {
        public Guid Id { get; } = id;

        public KeptRecord Record { get; } = record;

        /// <summary>Why it is still no run.</summary>
        public LineProblem? Problem { get; set; } = (record as KeptRecord.IsNone)?.Problem;
    }
}
