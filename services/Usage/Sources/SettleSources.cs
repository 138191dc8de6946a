using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Polling;

namespace HpcBilling.Usage.Sources;

/// <summary>After a change: nothing is left behind that names a source which is gone, or waits for a cluster that nobody can tell of.</summary>
internal sealed class SettleSources(Database database, Clusters clusters, TimeProvider clock, ILogger<SettleSources> log)
{
    private const string Reason = "The cluster has no live source any more.";

    private const string OrgsSql = "SELECT org_id FROM clusters UNION SELECT org_id FROM source_states";

    private const string MarksSql = "SELECT id || '/' || revision FROM sources WHERE org_id = @Org ORDER BY id";

    private const string ForgetSql = """
        DELETE FROM source_states WHERE org_id = @Org AND NOT EXISTS (
            SELECT 1 FROM unnest(@Clusters, @Names) AS used (cluster, name) WHERE used.cluster = source_states.cluster AND used.name = source_states.source)
        """;

    private const string PlaceSql = """
        UPDATE source_states SET preference = used.place, kind = used.kind FROM unnest(@Clusters, @Names, @Kinds, @Places) AS used (cluster, name, kind, place)
        WHERE org_id = @Org AND used.cluster = source_states.cluster AND used.name = source_states.source AND source_states.preference <> used.place
        """;

    private const string ActiveSql = """
        UPDATE clusters SET active_source = NULL, active_since = NULL, active_reason = NULL
        WHERE org_id = @Org AND active_source IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM unnest(@Clusters, @Names) AS used (cluster, name) WHERE used.cluster = clusters.name AND used.name = clusters.active_source)
        """;

    // Who still reads it has other sources, and will see. What was to be read is read later: read_until has not moved.
    private const string CancelSql = """
        UPDATE jobs SET status = 'cancelled', stage = 'done', error_code = 'no_source', error = @Reason, finished_at = @Now
        WHERE org_id = @Org AND type IN ('poll', 'month', 'backfill') AND status IN ('queued', 'running') AND subject <> ALL (@Live)
            AND NOT EXISTS (SELECT 1 FROM clusters WHERE clusters.org_id = @Org AND clusters.name = jobs.subject AND clusters.leased_until > clock_timestamp())
        RETURNING *
        """;

    public async Task SettleAsync(CancellationToken cancellation)
    {
        IReadOnlyList<Guid> orgs;
        await using (OrgTransaction all = await database.BeginWorkerAsync(cancellation)) orgs = await all.QueryAsync<Guid>(OrgsSql, null, cancellation);
        foreach (Guid org in orgs) await SettleAsync(org, cancellation);
    }

    private async Task SettleAsync(Guid org, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(org, cancellation);
        await SourceStore.LockAsync(transaction, cancellation);
        SourcesInUse used = clusters.InUse(org);
        // Somebody changed one meanwhile: what is written here would be of yesterday. The next look settles it.
        if (string.Join(' ', await transaction.QueryAsync<string>(MarksSql, new { Org = org }, cancellation)) != used.Mark) return;

        var args = new
        {
            Org = org, Reason, Now = Microseconds.Truncate(clock.GetUtcNow()),
            Clusters = used.Sources.Select(source => source.Options.Cluster).ToArray(), Names = used.Sources.Select(source => source.Options.Name).ToArray(),
            Kinds = used.Sources.Select(source => source.Options.Kind).ToArray(), Places = used.Sources.Select(source => source.Place).ToArray(),
            Live = used.Live.ToArray(),
        };
        await transaction.ExecuteAsync(ForgetSql, args, cancellation);
        await transaction.ExecuteAsync(PlaceSql, args, cancellation);
        await transaction.ExecuteAsync(ActiveSql, args, cancellation);
        foreach (Job job in await transaction.QueryAsync<Job>(CancelSql, args, cancellation))
        {
            log.LogInformation("{Type} of cluster {Cluster} is cancelled: {Reason}", job.Type, job.Subject, Reason);
            if (job.Type != Job.Backfill) continue;
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["cluster"] = job.Subject, ["requestedBy"] = job.RequestedBy, ["reason"] = Reason };
            await transaction.AuditAsync(new AuditAct("system", "job.cancelled", $"backfill:{job.Id}", details), cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }
}
