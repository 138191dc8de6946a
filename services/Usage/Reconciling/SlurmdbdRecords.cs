using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Quarantine;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Parsing;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Reconciling;

/// <summary>
/// Asks a cluster's live sources afresh for all that they hold of a span, window by window, and puts each record once into the scratch
/// tables. What is stored of the cluster has no part in it.
/// </summary>
internal sealed class SlurmdbdRecords(Database database, IOptions<PollingOptions> options)
{
    private const int HoldsMax = 10;

    private const string ForgetRecordsSql = "DELETE FROM reconciliation_records WHERE org_id = @Org AND reconciliation_id = @Id";
    private const string ForgetRefusedSql = "DELETE FROM reconciliation_refused WHERE org_id = @Org AND reconciliation_id = @Id";

    // A record comes in every window that it overlaps, and twice in one answer only if slurmdbd has two of the same key. The last answer
    // holds. Slurm's own identity counts for more than the key, as it does when a run is stored.
    private const string KeepSql = """
        INSERT INTO reconciliation_records (org_id, reconciliation_id, job_key, answer, times, raw_job_id, submitted_at, started_at, ended_at, charged_seconds,
            cpus, memory_mib, nodes, gpus, billing, cluster, job_id, username, account, partition, qos, state, gpus_by_type, other_tres, sluid)
        SELECT DISTINCT ON (known_key) org_id, @Id, known_key, @Answer, count(*) OVER (PARTITION BY known_key), raw_job_id, submitted_at, started_at, ended_at, charged_seconds,
            cpus, memory_mib, nodes, gpus, billing, cluster, job_id, username, account, partition, qos, state, gpus_by_type, other_tres, sluid
        FROM (
            SELECT i.*, coalesce(CASE WHEN i.sluid IS NOT NULL THEN
                (SELECT r.job_key FROM runs r WHERE r.org_id = @Org AND r.cluster = i.cluster AND r.sluid = i.sluid) END, i.job_key) AS known_key
            FROM incoming_runs i) told
        ORDER BY known_key, ended_at, charged_seconds
        ON CONFLICT (org_id, reconciliation_id, job_key) DO UPDATE SET
            times = CASE WHEN reconciliation_records.answer = excluded.answer THEN reconciliation_records.times + excluded.times
                ELSE greatest(reconciliation_records.times, excluded.times) END,
            answer = excluded.answer, raw_job_id = excluded.raw_job_id, submitted_at = excluded.submitted_at, started_at = excluded.started_at,
            ended_at = excluded.ended_at, charged_seconds = excluded.charged_seconds, cpus = excluded.cpus, memory_mib = excluded.memory_mib,
            nodes = excluded.nodes, gpus = excluded.gpus, billing = excluded.billing, job_id = excluded.job_id, username = excluded.username,
            account = excluded.account, partition = excluded.partition, qos = excluded.qos, state = excluded.state,
            gpus_by_type = excluded.gpus_by_type, other_tres = excluded.other_tres, sluid = excluded.sluid
        """;

    private const string RefuseSql = """
        INSERT INTO reconciliation_refused (org_id, reconciliation_id, digest, code, text)
        SELECT DISTINCT ON (digest) @Org, @Id, digest, code, text FROM unnest(@Digests::text[], @Codes::text[], @Texts::text[]) AS told (digest, code, text)
        ON CONFLICT DO NOTHING
        """;

    private readonly PollingOptions polling = options.Value;

    /// <param name="find">The cluster as it is now; its live sources are asked in their order, and may change from one window to the next.</param>
    /// <param name="org">Tenant.</param>
    /// <param name="id">The reconciliation.</param>
    /// <param name="from">First instant.</param>
    /// <param name="to">First instant behind it.</param>
    /// <param name="progress">Told how far it is, and from which source, after every window.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="SourceException">No source could tell all of it.</exception>
    public async Task ReadAsync(
        Func<Cluster> find, Guid org, Guid id, DateTimeOffset from, DateTimeOffset to, Func<DateTimeOffset, string, Task> progress, CancellationToken cancellation)
    {
        await ForgetAsync(org, id, cancellation);
        int answer = 0;
        int seconds = polling.WindowSeconds;
        for (DateTimeOffset position = from; position < to;)
        {
            DateTimeOffset end = ReadSpan.NextEnd(position, to, seconds);
            try
            {
                (Cluster cluster, IDisposable hold) = Hold(find);
                using IDisposable held = hold;
                string source = await ReadWindowAsync(cluster, id, position, end, () => ++answer, cancellation);
                position = end;
                seconds = ReadSpan.Grow(seconds, polling.WindowSeconds);
                await progress(position, source);
            }
            catch (SourceException failure) when (failure.Fault != SourceFault.Unavailable
                && ReadSpan.Halve((int)(end - position).TotalSeconds, polling.WindowSecondsMin) is { } half)
            {
                seconds = half;
            }
        }
    }

    /// <summary>Empties the scratch tables.</summary>
    public async Task ForgetAsync(Guid org, Guid id, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(org, cancellation);
        await transaction.ExecuteAsync(ForgetRecordsSql, new { Org = org, Id = id }, cancellation);
        await transaction.ExecuteAsync(ForgetRefusedSql, new { Org = org, Id = id }, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    // A source that is taken away in the middle of a window answers to its end.
    private static (Cluster Cluster, IDisposable Held) Hold(Func<Cluster> find)
    {
        for (int attempt = 0; attempt < HoldsMax; attempt++)
        {
            Cluster cluster = find();
            if (cluster.Hold() is { } held) return (cluster, held);
        }

        throw new SourceException(SourceFault.Unavailable, "The sources of the cluster keep changing.");
    }

    /// <returns>The source that answered.</returns>
    private async Task<string> ReadWindowAsync(Cluster cluster, Guid id, DateTimeOffset from, DateTimeOffset to, Func<int> nextAnswer, CancellationToken cancellation)
    {
        var refusals = new List<string>();
        bool isSlow = false;
        foreach (GuardedSource source in cluster.Sources)
        {
            try
            {
                await source.RunAsync(
                    async (live, limit) =>
                    {
                        int answer = nextAnswer();
                        await foreach (RecordChunk chunk in live.ReadAsync(from, to, limit)) await KeepAsync(cluster.Org, id, answer, chunk, limit);
                    },
                    cancellation);
                return source.Source.Name;
            }
            catch (SourceException failure) when (failure.Fault != SourceFault.TooMuch)
            {
                refusals.Add($"{source.Source.Name}: {failure.Message}");
                isSlow |= failure.Fault == SourceFault.Slow;
            }
        }

        throw new SourceException(isSlow ? SourceFault.Slow : SourceFault.Unavailable, string.Join(' ', refusals));
    }

    private async Task KeepAsync(Guid org, Guid id, int answer, RecordChunk chunk, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(org, cancellation);
        JobRun[] runs = [.. chunk.Runs.Where(run => !run.IsWaiting)];
        if (runs.Length > 0)
        {
            var incoming = new IncomingRuns(transaction, id);
            await incoming.CreateAsync(cancellation);
            await incoming.CopyAsync(runs, cancellation);
            await transaction.ExecuteAsync(KeepSql, new { Org = org, Id = id, Answer = answer }, cancellation);
        }

        if (chunk.Quarantined.Count > 0)
        {
            var refused = new
            {
                Org = org, Id = id,
                Digests = chunk.Quarantined.Select(KeepQuarantined.Digest).ToArray(),
                Codes = chunk.Quarantined.Select(record => record.Problem.Code).ToArray(),
                Texts = chunk.Quarantined.Select(record => record.Text).ToArray(),
            };
            await transaction.ExecuteAsync(RefuseSql, refused, cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }
}
