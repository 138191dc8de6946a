using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Quarantine;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Polling;

/// <summary>
/// Stores a chunk of a live source's records as an import stores a chunk of lines: runs, quarantine, the references of the messages and the
/// progress in one transaction, fenced by the lease.
/// </summary>
internal sealed class StoreRecords(Database database, ClusterLease lease)
{
    // Whoever lost the lease, or is not at this position, changes nothing.
    private const string ProgressSql = """
        WITH job AS (
            UPDATE jobs SET done = @Done, attempts = CASE WHEN @To > @From THEN 0 ELSE attempts END
            WHERE org_id = @Org AND id = @Id AND status = 'running'
                AND EXISTS (SELECT 1 FROM clusters WHERE clusters.org_id = @Org AND clusters.name = @Cluster AND clusters.lease_owner = @Owner)
            RETURNING id)
        UPDATE reads SET
            position_at = @To, source = @Source, records = records + @Records, runs = runs + @Stored + @Updated + @Corrected + @Known, stored = stored + @Stored,
            updated = updated + @Updated, corrected = corrected + @Corrected, known = known + @Known, quarantined = quarantined + @Quarantined
        FROM job WHERE reads.org_id = @Org AND reads.id = job.id AND position_at = @From
        """;

    /// <param name="read">At its current position.</param>
    /// <param name="source">Name of the source.</param>
    /// <param name="chunk">What it told; may be empty.</param>
    /// <param name="position">Where the read stands with this chunk: its position as before, or the end of the window.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    /// <returns>How many runs are new or known better than before.</returns>
    /// <exception cref="LeaseLostException">Another worker has the cluster; nothing was stored.</exception>
    public async Task<int> StoreAsync(ClusterRead read, string source, RecordChunk chunk, DateTimeOffset position, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(read.OrgId, cancellation);
        var origin = new RunOrigin(read.Id, source, IsLive: true);
        // Overlapping windows bring mostly what is known.
        StoredRuns result = await new StoreRuns(transaction, origin).StoreAsync(chunk.Runs, expectsKnown: read.Type != Job.Backfill, cancellation);
        foreach (Guid batch in result.Batches) await transaction.EnqueueReferenceAsync<UsageRecorded>(batch.ToString(), cancellation);

        QuarantinedRecord[] quarantined = [.. chunk.Quarantined, .. result.Refused.Select(refused => Refused(chunk.Runs[refused.Index], refused.Problem))];
        await KeepQuarantined.RecordsAsync(transaction, origin, read.Cluster, chunk.Form!, quarantined, cancellation);
        var progress = new
        {
            Org = read.OrgId, read.Id, read.Cluster, lease.Owner, From = read.PositionAt, To = position, Done = ReadSpan.Seconds(read.FromAt, position), Source = source, Records = chunk.Count,
            result.Stored, result.Updated, result.Corrected, result.Known, Quarantined = quarantined.Length,
        };
        if (await transaction.ExecuteAsync(ProgressSql, progress, cancellation) != 1) throw new LeaseLostException();
        await transaction.CommitAsync(cancellation);

        UsageMetrics.Runs.Add(result.Stored + result.Updated);
        UsageMetrics.Corrected.Add(result.Corrected);
        UsageMetrics.Records.Add(chunk.Count, new KeyValuePair<string, object?>("source", source));
        return result.Stored + result.Updated + result.Corrected;
    }

    private static QuarantinedRecord Refused(in JobRun run, LineProblem problem) => new(problem, $"{run.JobKey} sluid={run.Sluid}");
}
