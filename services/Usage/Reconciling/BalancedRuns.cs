using System.Runtime.CompilerServices;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.RecordingUsage;

namespace HpcBilling.Usage.Reconciling;

/// <summary>Pairs what slurmdbd says with what is stored, in the order of the key, page by page: nothing of a month is held as a whole.</summary>
internal sealed class BalancedRuns(Database database)
{
    private const int PageRows = RatingClasses.KeysMax;

    private const string Facts = """
        raw_job_id, submitted_at, started_at, ended_at, charged_seconds, cpus, memory_mib, nodes, gpus, billing, job_key, cluster, job_id, username,
        account, partition, qos, state, gpus_by_type, other_tres, sluid
        """;

    // Whichever side says that it ended in this span. A key begins with its cluster and a slash; '0' is what follows a slash.
    private const string KeysSql = """
        SELECT job_key FROM (
            (SELECT job_key FROM reconciliation_records
             WHERE org_id = @Org AND reconciliation_id = @Id AND job_key > @After AND ended_at >= @From AND ended_at < @To ORDER BY job_key LIMIT @PageRows)
            UNION
            (SELECT job_key FROM runs
             WHERE org_id = @Org AND job_key > @After AND job_key < @Cluster || '0' AND cluster = @Cluster AND ended_at >= @From AND ended_at < @To
             ORDER BY job_key LIMIT @PageRows)) AS either
        ORDER BY job_key LIMIT @PageRows
        """;

    private const string ToldSql = $"SELECT {Facts}, times FROM reconciliation_records WHERE org_id = @Org AND reconciliation_id = @Id AND job_key = ANY(@Keys)";
    private const string StoredSql = $"SELECT {Facts} FROM runs WHERE org_id = @Org AND job_key = ANY(@Keys)";

    // A record that was refused when it was to be stored: its text begins with its key.
    private const string RefusedSql = """
        SELECT DISTINCT ON (text) split_part(text, ' sluid=', 1) AS job_key, code FROM quarantine
        WHERE org_id = @Org AND cluster = @Cluster AND digest IS NOT NULL AND state <> 'retried' AND split_part(text, ' sluid=', 1) = ANY(@Keys) ORDER BY text, code
        """;

    private const string RefusedRecordsSql = """
        SELECT told.digest, told.code, told.text, kept.digest IS NOT NULL AS is_known
        FROM reconciliation_refused told LEFT JOIN quarantine kept ON kept.org_id = @Org AND kept.cluster = @Cluster AND kept.digest = told.digest AND kept.state <> 'retried'
        WHERE told.org_id = @Org AND told.reconciliation_id = @Id AND told.digest > @After ORDER BY told.digest LIMIT @PageRows
        """;

    /// <summary>Pages of pairs, not yet rated.</summary>
    public async IAsyncEnumerable<IReadOnlyList<BalancedRun>> ReadAsync(
        ReconcileRequest request, DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (string after = request.Cluster + "/"; ;)
        {
            var span = new { request.Org, request.Id, request.Cluster, After = after, From = from, To = to, PageRows };
            IReadOnlyList<BalancedRun> page;
            await using (OrgTransaction transaction = await database.BeginAsync(request.Org, cancellation))
            {
                string[] keys = [.. await transaction.QueryAsync<string>(KeysSql, span, cancellation)];
                page = keys.Length == 0 ? [] : await PairAsync(transaction, request, keys, cancellation);
            }

            yield return page;
            if (page.Count < PageRows) yield break;
            after = page[^1].Key;
        }
    }

    /// <summary>Pages of records that are no run.</summary>
    public async IAsyncEnumerable<IReadOnlyList<RefusedRow>> RefusedAsync(ReconcileRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (string after = ""; ;)
        {
            IReadOnlyList<RefusedRow> page;
            await using (OrgTransaction transaction = await database.BeginAsync(request.Org, cancellation))
                page = await transaction.QueryAsync<RefusedRow>(RefusedRecordsSql, new { request.Org, request.Id, request.Cluster, After = after, PageRows }, cancellation);
            yield return page;
            if (page.Count < PageRows) yield break;
            after = page[^1].Digest;
        }
    }

    private static async Task<IReadOnlyList<BalancedRun>> PairAsync(
        OrgTransaction transaction, ReconcileRequest request, string[] keys, CancellationToken cancellation)
    {
        var args = new { request.Org, request.Id, Keys = keys };
        var told = (await transaction.QueryAsync<ToldRow>(ToldSql, args, cancellation)).ToDictionary(row => row.JobKey, StringComparer.Ordinal);
        var stored = (await transaction.QueryAsync<RunRow>(StoredSql, args, cancellation)).ToDictionary(row => row.JobKey, StringComparer.Ordinal);
        string[] missing = [.. keys.Where(key => !stored.ContainsKey(key))];
        Dictionary<string, string> refused = missing.Length == 0
            ? []
            : (await transaction.QueryAsync<(string JobKey, string Code)>(RefusedSql, new { request.Org, request.Cluster, Keys = missing }, cancellation))
                .DistinctBy(row => row.JobKey, StringComparer.Ordinal).ToDictionary(row => row.JobKey, row => row.Code, StringComparer.Ordinal);
        return
        [
            .. keys.Select(key => new BalancedRun(
                key, told.GetValueOrDefault(key)?.ToRun(), told.GetValueOrDefault(key)?.Times ?? 0, stored.GetValueOrDefault(key)?.ToRun(),
                refused.GetValueOrDefault(key), null)),
        ];
    }
}

/// <summary>A record of slurmdbd in the scratch table.</summary>
internal sealed record ToldRow
{
    public long RawJobId { get; init; }
    public DateTimeOffset SubmittedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public long ChargedSeconds { get; init; }
    public long Cpus { get; init; }
    public long MemoryMib { get; init; }
    public long Nodes { get; init; }
    public long Gpus { get; init; }
    public long? Billing { get; init; }
    public string JobKey { get; init; } = "";
    public string Cluster { get; init; } = "";
    public string JobId { get; init; } = "";
    public string Username { get; init; } = "";
    public string Account { get; init; } = "";
    public string Partition { get; init; } = "";
    public string Qos { get; init; } = "";
    public string State { get; init; } = "";
    public string? GpusByType { get; init; }
    public string? OtherTres { get; init; }
    public string? Sluid { get; init; }
    public int Times { get; init; }

    public JobRun ToRun() => new(
        JobKey, Cluster, JobId, RawJobId, Username, Account, Partition, Qos, State, SubmittedAt, StartedAt, EndedAt, ChargedSeconds,
        new Tres(Cpus, MemoryMib, Nodes, Gpus, Billing, GpusByType, OtherTres))
    { Sluid = Sluid };
}

internal sealed record RefusedRow
{
    public string Digest { get; init; } = "";
    public string Code { get; init; } = "";
    public string Text { get; init; } = "";
    public bool IsKnown { get; init; }
}
