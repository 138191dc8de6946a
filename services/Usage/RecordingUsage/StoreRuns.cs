using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using Npgsql;
using NpgsqlTypes;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>What became of a chunk's runs. Every run is counted in exactly one place.</summary>
/// <param name="Stored">Runs not known before.</param>
/// <param name="Updated">Runs of earlier imports that were not final and of which more is known now.</param>
/// <param name="Known">Lines that add no run: the same facts again, an earlier look, or more about a run that this import has counted.</param>
/// <param name="Refused">Indices of runs that contradict a final one.</param>
/// <param name="Batches">Batches that have runs to tell.</param>
internal sealed record StoredRuns(int Stored, int Updated, int Known, IReadOnlyList<int> Refused, IReadOnlyList<Guid> Batches);

/// <summary>Stores the runs of a chunk, each once. Writers of an org take turns, so that what is compared cannot change meanwhile.</summary>
internal sealed class StoreRuns(OrgTransaction transaction, Guid importId)
{
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('runs/' || @Org, 0))";

    // COPY into a table with row-level security is not allowed; into a scratch table of this transaction it is.
    private const string CreateSql = "CREATE TEMPORARY TABLE incoming_runs (LIKE runs) ON COMMIT DROP";

    private const string Columns = """
        org_id, import_id, batch_id, raw_job_id, submitted_at, started_at, ended_at, charged_seconds, cpus, memory_mib, nodes, gpus, billing,
        revision, job_key, cluster, job_id, username, account, partition, qos, state, gpus_by_type, other_tres
        """;

    private const string CopySql = $"COPY incoming_runs ({Columns}) FROM STDIN (FORMAT BINARY)";
    private const string InsertAllSql = $"INSERT INTO runs ({Columns}) SELECT {Columns} FROM incoming_runs";

    private const string InsertNewSql = $"""
        WITH stored AS ({InsertAllSql} ON CONFLICT (org_id, job_key) DO NOTHING RETURNING batch_id)
        SELECT batch_id, count(*) AS runs FROM stored GROUP BY batch_id
        """;

    private const string ReadSql = $"SELECT {Columns} FROM runs WHERE org_id = @Org AND job_key = ANY(@Keys)";

    private const string UpdateSql = """
        UPDATE runs AS r SET
            import_id = i.import_id, batch_id = i.batch_id, revision = r.revision + 1, ended_at = i.ended_at, charged_seconds = i.charged_seconds,
            cpus = i.cpus, memory_mib = i.memory_mib, nodes = i.nodes, gpus = i.gpus, billing = i.billing, job_id = i.job_id, username = i.username,
            account = i.account, partition = i.partition, qos = i.qos, state = i.state, gpus_by_type = i.gpus_by_type, other_tres = i.other_tres
        FROM incoming_runs i WHERE r.org_id = i.org_id AND r.job_key = i.job_key
        """;

    private const string Savepoint = "runs";

    private readonly Guid orgId = transaction.OrgId;

    /// <param name="runs">In the order of the log.</param>
    /// <param name="expectsKnown">True when some are likely to be stored already: saves an attempt that would fail.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    public async Task<StoredRuns> StoreAsync(List<JobRun> runs, bool expectsKnown, CancellationToken cancellation)
    {
        if (runs.Count == 0) return new StoredRuns(0, 0, 0, [], []);

        Guid[] batches = [.. runs.Chunk(UsageRecorded.RunsMax).Select(_ => Guid.CreateVersion7())];
        await transaction.ExecuteAsync(LockSql, new { Org = orgId.ToString() }, cancellation);
        await transaction.ExecuteAsync(CreateSql, null, cancellation);
        await CopyAsync(Enumerable.Range(0, runs.Count), runs, batches, cancellation);
        if (!expectsKnown && await TryInsertAllAsync(cancellation)) return new StoredRuns(runs.Count, 0, 0, [], batches);

        IReadOnlyList<BatchCount> stored = await transaction.QueryAsync<BatchCount>(InsertNewSql, null, cancellation);
        int count = (int)stored.Sum(batch => batch.Runs);
        if (count == runs.Count) return new StoredRuns(count, 0, 0, [], batches);

        var (newer, updated, refused) = await CompareAsync(runs, cancellation);
        if (newer.Count > 0)
        {
            await transaction.ExecuteAsync("TRUNCATE incoming_runs", null, cancellation);
            await CopyAsync(newer, runs, batches, cancellation);
            await transaction.ExecuteAsync(UpdateSql, null, cancellation);
        }

        IEnumerable<Guid> toTell = stored.Select(batch => batch.BatchId).Union(newer.Select(index => BatchOf(batches, index)));
        return new StoredRuns(count, updated, runs.Count - count - updated - refused.Count, refused, [.. toTell]);
    }

    // Much cheaper than looking first whether each row is there; a log that was seen before takes the other way.
    private async Task<bool> TryInsertAllAsync(CancellationToken cancellation)
    {
        await transaction.Transaction.SaveAsync(Savepoint, cancellation);
        try
        {
            await transaction.ExecuteAsync(InsertAllSql, null, cancellation);
            return true;
        }
        catch (PostgresException known) when (known.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            await transaction.Transaction.RollbackAsync(Savepoint, cancellation);
            return false;
        }
    }

    private async Task<(IReadOnlyCollection<int> Newer, int Updated, IReadOnlyList<int> Refused)> CompareAsync(List<JobRun> runs, CancellationToken cancellation)
    {
        var keys = runs.Select(run => run.JobKey).Distinct(StringComparer.Ordinal).ToArray();
        var stored = new Dictionary<string, (JobRun Run, Guid ImportId)>(keys.Length, StringComparer.Ordinal);
        foreach (RunRow row in await transaction.QueryAsync<RunRow>(ReadSql, new { Org = orgId, Keys = keys }, cancellation))
            stored.Add(row.JobKey, (row.ToRun(), row.ImportId));

        var (newer, updated, refused) = (new Dictionary<string, int>(StringComparer.Ordinal), 0, new List<int>());
        for (int i = 0; i < runs.Count; i++)
        {
            var (known, knownFrom) = stored[runs[i].JobKey];
            switch (RunComparison.Compare(known, runs[i]))
            {
                case RunKnowledge.Newer:
                    newer[known.JobKey] = i;
                    stored[known.JobKey] = (runs[i], importId);
                    if (knownFrom != importId) updated++;
                    break;
                case RunKnowledge.ChangedAfterFinal:
                    refused.Add(i);
                    break;
                default:
                    break;
            }
        }

        return (newer.Values, updated, refused);
    }

    private async Task CopyAsync(IEnumerable<int> indices, List<JobRun> runs, Guid[] batches, CancellationToken cancellation)
    {
        await using NpgsqlBinaryImporter writer = await transaction.Connection.BeginBinaryImportAsync(CopySql, cancellation);
        foreach (int index in indices)
        {
            await writer.StartRowAsync(cancellation);
            await WriteAsync(writer, runs[index], BatchOf(batches, index), cancellation);
        }

        await writer.CompleteAsync(cancellation);
    }

    private async Task WriteAsync(NpgsqlBinaryImporter writer, JobRun run, Guid batch, CancellationToken cancellation)
    {
        await writer.WriteAsync(orgId, NpgsqlDbType.Uuid, cancellation);
        await writer.WriteAsync(importId, NpgsqlDbType.Uuid, cancellation);
        await writer.WriteAsync(batch, NpgsqlDbType.Uuid, cancellation);
        await writer.WriteAsync(run.RawJobId, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(run.SubmittedAt, NpgsqlDbType.TimestampTz, cancellation);
        await writer.WriteAsync(run.StartedAt, NpgsqlDbType.TimestampTz, cancellation);
        await writer.WriteAsync(run.EndedAt, NpgsqlDbType.TimestampTz, cancellation);
        await writer.WriteAsync(run.ChargedSeconds, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(run.Tres.Cpus, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(run.Tres.MemoryMib, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(run.Tres.Nodes, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(run.Tres.Gpus, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(run.Tres.Billing, NpgsqlDbType.Bigint, cancellation);
        await writer.WriteAsync(1, NpgsqlDbType.Integer, cancellation);
        await writer.WriteAsync(run.JobKey, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Cluster, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.JobId, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Username, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Account, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Partition, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Qos, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.State, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Tres.GpusByType, NpgsqlDbType.Text, cancellation);
        await writer.WriteAsync(run.Tres.Other, NpgsqlDbType.Text, cancellation);
    }

    private static Guid BatchOf(Guid[] batches, int index) => batches[index / UsageRecorded.RunsMax];

    private sealed record BatchCount(Guid BatchId, long Runs);
}
