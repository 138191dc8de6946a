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
    private const string InsertSql = $"INSERT INTO runs ({Columns}) SELECT {Columns} FROM incoming_runs";
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
        if (!expectsKnown && await TryInsertAllAsync(runs, batches, cancellation)) return new StoredRuns(runs.Count, 0, 0, [], batches);

        Plan plan = await PlanAsync(runs, cancellation);
        if (plan.New.Count > 0) await WriteAsync(InsertSql, plan.New.Values, runs, batches, cancellation);
        if (plan is { New.Count: > 0, Newer.Count: > 0 }) await transaction.ExecuteAsync("TRUNCATE incoming_runs", null, cancellation);
        if (plan.Newer.Count > 0) await WriteAsync(UpdateSql, plan.Newer.Values, runs, batches, cancellation);
        int known = runs.Count - plan.New.Count - plan.Updated - plan.Refused.Count;
        return new StoredRuns(plan.New.Count, plan.Updated, known, plan.Refused, [.. plan.New.Values.Concat(plan.Newer.Values).Select(index => BatchOf(batches, index)).Distinct()]);
    }

    // Much cheaper than looking first whether each row is there; a log that was seen before takes the other way.
    private async Task<bool> TryInsertAllAsync(List<JobRun> runs, Guid[] batches, CancellationToken cancellation)
    {
        await transaction.Transaction.SaveAsync(Savepoint, cancellation);
        try
        {
            await WriteAsync(InsertSql, Enumerable.Range(0, runs.Count), runs, batches, cancellation);
            return true;
        }
        catch (PostgresException known) when (known.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // The scratch table is empty again, too.
            await transaction.Transaction.RollbackAsync(Savepoint, cancellation);
            return false;
        }
    }

    /// <summary>Compares the chunk, line by line, with what is stored and with the lines before it.</summary>
    private async Task<Plan> PlanAsync(List<JobRun> runs, CancellationToken cancellation)
    {
        string[] keys = [.. runs.Select(run => run.JobKey).Distinct(StringComparer.Ordinal)];
        var stored = new Dictionary<string, (JobRun Run, Guid ImportId)>(keys.Length, StringComparer.Ordinal);
        foreach (RunRow row in await transaction.QueryAsync<RunRow>(ReadSql, new { Org = orgId, Keys = keys }, cancellation))
            stored.Add(row.JobKey, (row.ToRun(), row.ImportId));

        var plan = new Plan();
        for (int i = 0; i < runs.Count; i++)
        {
            string key = runs[i].JobKey;
            if (!stored.TryGetValue(key, out var known))
            {
                plan.New.Add(key, i);
                stored.Add(key, (runs[i], importId));
                continue;
            }

            RunKnowledge adds = RunComparison.Compare(known.Run, runs[i]);
            if (adds == RunKnowledge.ChangedAfterFinal) plan.Refused.Add(i);
            if (adds != RunKnowledge.Newer) continue;
            stored[key] = (runs[i], importId);
            if (plan.New.ContainsKey(key)) plan.New[key] = i;
            else plan.Newer[key] = i;
            if (known.ImportId != importId) plan.Updated++;
        }

        return plan;
    }

    private async Task WriteAsync(string sql, IEnumerable<int> indices, List<JobRun> runs, Guid[] batches, CancellationToken cancellation)
    {
        await using (NpgsqlBinaryImporter writer = await transaction.Connection.BeginBinaryImportAsync(CopySql, cancellation))
        {
            foreach (int index in indices)
            {
                await writer.StartRowAsync(cancellation);
                await WriteRowAsync(writer, runs[index], BatchOf(batches, index), cancellation);
            }

            await writer.CompleteAsync(cancellation);
        }

        await transaction.ExecuteAsync(sql, null, cancellation);
    }

    private async Task WriteRowAsync(NpgsqlBinaryImporter writer, JobRun run, Guid batch, CancellationToken cancellation)
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

    /// <summary>What to write: by run, the index of the line that holds.</summary>
    private sealed class Plan
    {
        public Dictionary<string, int> New { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, int> Newer { get; } = new(StringComparer.Ordinal);

        public List<int> Refused { get; } = [];

        public int Updated { get; set; }
    }
}
