using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using Npgsql;
using NpgsqlTypes;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>The scratch table through which runs reach <c>runs</c>: COPY into a table with row-level security is not allowed, into one of the transaction's own it is.</summary>
internal sealed class IncomingRuns(OrgTransaction transaction, Guid importId)
{
    public const string Columns = """
        org_id, import_id, batch_id, raw_job_id, submitted_at, started_at, ended_at, charged_seconds, cpus, memory_mib, nodes, gpus, billing,
        revision, job_key, cluster, job_id, username, account, partition, qos, state, gpus_by_type, other_tres, sluid
        """;

    private const string CreateSql = "CREATE TEMPORARY TABLE incoming_runs (LIKE runs) ON COMMIT DROP";
    private const string EmptySql = "TRUNCATE incoming_runs";
    private const string CopySql = $"COPY incoming_runs ({Columns}) FROM STDIN (FORMAT BINARY)";
    private const string InsertSql = $"INSERT INTO runs ({Columns}) SELECT {Columns} FROM incoming_runs";

    private const string Facts = """
        revision = r.revision + 1, submitted_at = i.submitted_at, started_at = i.started_at, ended_at = i.ended_at, charged_seconds = i.charged_seconds,
        cpus = i.cpus, memory_mib = i.memory_mib, nodes = i.nodes, gpus = i.gpus, billing = i.billing, job_id = i.job_id, username = i.username,
        account = i.account, partition = i.partition, qos = i.qos, state = i.state, gpus_by_type = i.gpus_by_type, other_tres = i.other_tres, sluid = i.sluid
        """;

    private const string OfSameRun = "FROM incoming_runs i WHERE r.org_id = i.org_id AND r.job_key = i.job_key";
    private const string UpdateSql = $"UPDATE runs AS r SET import_id = i.import_id, batch_id = i.batch_id, {Facts} {OfSameRun}";

    // A correction has a message of its own: the run stays in the batch that first told it.
    private const string CorrectSql = $"UPDATE runs AS r SET {Facts} {OfSameRun}";
    private const string NameSql = $"UPDATE runs AS r SET sluid = i.sluid {OfSameRun}";

    private readonly Guid orgId = transaction.OrgId;
    private readonly List<Guid> batches = [];
    private int told;
    private bool isEmpty = true;

    /// <summary>Batches that tell what was inserted and updated, in messages of the usual size.</summary>
    public IReadOnlyList<Guid> Batches => batches;

    public Task CreateAsync(CancellationToken cancellation) => transaction.ExecuteAsync(CreateSql, null, cancellation);

    public Task InsertAsync(JobRun[] runs, CancellationToken cancellation) => WriteAsync(InsertSql, runs, NextBatch, cancellation);

    public Task UpdateAsync(JobRun[] runs, CancellationToken cancellation) => WriteAsync(UpdateSql, runs, NextBatch, cancellation);

    public Task NameAsync(JobRun[] runs, CancellationToken cancellation) => WriteAsync(NameSql, runs, NoBatch, cancellation);

    /// <summary>Puts runs into the scratch table, and nothing else.</summary>
    public Task CopyAsync(JobRun[] runs, CancellationToken cancellation) => CopyAsync(runs, NoBatch, cancellation);

    /// <summary>Corrects what was copied.</summary>
    public Task CorrectAsync(CancellationToken cancellation) => transaction.ExecuteAsync(CorrectSql, null, cancellation);

    /// <summary>The transaction went back to before anything was written.</summary>
    public void Forget()
    {
        batches.Clear();
        (told, isEmpty) = (0, true);
    }

    private static Guid NoBatch() => Guid.Empty;

    private Guid NextBatch()
    {
        if (told++ % UsageRecorded.RunsMax == 0) batches.Add(Guid.CreateVersion7());
        return batches[^1];
    }

    private async Task WriteAsync(string sql, JobRun[] runs, Func<Guid> batch, CancellationToken cancellation)
    {
        if (runs.Length == 0) return;
        await CopyAsync(runs, batch, cancellation);
        await transaction.ExecuteAsync(sql, null, cancellation);
    }

    private async Task CopyAsync(JobRun[] runs, Func<Guid> batch, CancellationToken cancellation)
    {
        if (!isEmpty) await transaction.ExecuteAsync(EmptySql, null, cancellation);
        isEmpty = false;
        await using NpgsqlBinaryImporter writer = await transaction.Connection.BeginBinaryImportAsync(CopySql, cancellation);
        foreach (JobRun run in runs)
        {
            await writer.StartRowAsync(cancellation);
            await WriteRowAsync(writer, run, batch(), cancellation);
        }

        await writer.CompleteAsync(cancellation);
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
        await writer.WriteAsync(run.Sluid, NpgsqlDbType.Text, cancellation);
    }
}
