using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Quarantine;
using HpcBilling.Usage.Slurm.Parsing;
using Npgsql;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>
/// Stores a chunk: its runs, its quarantined lines, the references of the messages that will tell the runs, and the checkpoint, all in one
/// transaction. Wherever the process dies, the next one goes on from the checkpoint and nothing is lost or doubled.
/// </summary>
internal sealed class StoreChunk(Database database, ImportJob job, Guid leaseOwner, SacctLayout layout, Func<LinePlace, string> readText)
{
    // Whoever lost the lease, or is not at this checkpoint, changes nothing.
    private const string CheckpointSql = """
        WITH job AS (
            UPDATE jobs SET done = @To, attempts = 0 WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner RETURNING id)
        UPDATE import_jobs SET
            bytes_processed = @To, lines_processed = @ToLine, lines = lines + @Lines, runs = runs + @Stored + @Updated + @Known,
            stored = stored + @Stored, updated = updated + @Updated, known = known + @Known, steps = steps + @Steps,
            quarantined = quarantined + @Quarantined, cpu_core_seconds = cpu_core_seconds + @CpuCoreSeconds, gpu_seconds = gpu_seconds + @GpuSeconds
        FROM job WHERE import_jobs.org_id = @Org AND import_jobs.id = job.id AND bytes_processed = @From
        """;

    private const string Savepoint = "measured";

    // What one chunk found is the best guess for the next.
    private bool expectsKnown = job.Known > 0;
    private long checkpoint = job.BytesProcessed;

    /// <exception cref="LeaseLostException">Another worker has the import; nothing was stored.</exception>
    public async Task StoreAsync(ImportChunk chunk, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        StoredRuns result = await new StoreRuns(transaction, RunOrigin.Import(job.Id)).StoreAsync(chunk.Runs, expectsKnown, cancellation);
        expectsKnown = result.Stored < chunk.Runs.Count;
        if (chunk.Measured.Count > 0) await MeasureAsync(transaction, chunk, result.Batches, cancellation);
        foreach (Guid batch in result.Batches) await transaction.EnqueueReferenceAsync<UsageRecorded>(batch.ToString(), cancellation);

        QuarantinedLine[] quarantined =
            [.. chunk.Quarantined, .. result.Refused.Select(refused => Quarantined(chunk.Places[refused.Index], refused.Problem))];
        await KeepQuarantined.LinesAsync(transaction, job.Id, layout, quarantined, cancellation);
        await CheckpointAsync(transaction, chunk, result, quarantined.Length, cancellation);
        await transaction.CommitAsync(cancellation);

        checkpoint = chunk.ToOffset;
        UsageMetrics.Lines.Add(chunk.Lines);
        UsageMetrics.Runs.Add(result.Stored + result.Updated);
        UsageMetrics.Quarantined.Add(quarantined.Length);
    }

    // Nothing that is charged is lost with it.
    private async Task MeasureAsync(OrgTransaction transaction, ImportChunk chunk, IReadOnlyList<Guid> batches, CancellationToken cancellation)
    {
        await transaction.Transaction.SaveAsync(Savepoint, cancellation);
        try
        {
            await new StoreMeasures(transaction, job.Id).StoreAsync(chunk.Measured, batches, cancellation);
        }
        catch (PostgresException)
        {
            await transaction.Transaction.RollbackAsync(Savepoint, cancellation);
            UsageMetrics.MeasureFailures.Add(1);
        }
    }

    private QuarantinedLine Quarantined(LinePlace place, LineProblem problem) => new(place.Line, problem, readText(place));

    private async Task CheckpointAsync(OrgTransaction transaction, ImportChunk chunk, StoredRuns result, int quarantined, CancellationToken cancellation)
    {
        var refused = result.Refused.Select(refused => chunk.Runs[refused.Index]).ToList();
        var row = new
        {
            Org = job.OrgId, job.Id, Owner = leaseOwner, From = checkpoint, To = chunk.ToOffset, chunk.ToLine,
            chunk.Lines, result.Stored, result.Updated, result.Known, chunk.Steps, Quarantined = quarantined,
            CpuCoreSeconds = chunk.Runs.Sum(run => run.CpuCoreSeconds) - refused.Sum(run => run.CpuCoreSeconds),
            GpuSeconds = chunk.Runs.Sum(run => run.GpuSeconds) - refused.Sum(run => run.GpuSeconds),
        };
        if (await transaction.ExecuteAsync(CheckpointSql, row, cancellation) != 1) throw new LeaseLostException();
    }
}
