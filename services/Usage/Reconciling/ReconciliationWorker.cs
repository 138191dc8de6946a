using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Usage.Reconciling;

/// <summary>Takes the reconciliations that wait, one after another; what a worker left behind that fell silent is begun anew.</summary>
internal sealed class ReconciliationWorker(Database database, ReconcileCluster reconcile, TimeProvider clock, ILogger<ReconciliationWorker> log) : BackgroundService
{
    private const int ErrorLengthMax = 500;

    // A window may take as long as all sources of a cluster may together.
    private const int SilenceSecondsMax = 900;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private const string ClaimSql = """
        UPDATE reconciliations SET status = 'running', started_at = coalesce(started_at, clock_timestamp()), seen_at = clock_timestamp()
        WHERE id = (
            SELECT id FROM reconciliations
            WHERE status = 'queued' OR (status = 'running' AND seen_at < clock_timestamp() - make_interval(secs => @Silence))
            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, org_id AS org, cluster, month
        """;

    private const string ProgressSql = """
        UPDATE reconciliations SET seen_at = clock_timestamp(), zone = @Zone, from_at = @From, to_at = @To, position_at = @Position,
            sources = CASE WHEN @Source IS NULL THEN '{}' WHEN @Source = ANY(sources) THEN sources ELSE sources || @Source::text END
        WHERE org_id = @Org AND id = @Id AND status = 'running'
        """;

    private const string FailSql = """
        UPDATE reconciliations SET status = 'failed', finished_at = @Now, error = @Error WHERE org_id = @Org AND id = @Id AND status = 'running'
        """;

    private const string ReleaseSql = "UPDATE reconciliations SET status = 'queued', seen_at = NULL WHERE org_id = @Org AND id = @Id AND status = 'running'";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await ClaimAsync(stoppingToken) is { } request) await WorkAsync(request, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // The database is away; what waits is in it.
                log.LogWarning(failure, "Reconciliations could not be worked on");
            }

            await Task.Delay(Look, clock, stoppingToken);
        }
    }

    private async Task<ReconcileRequest?> ClaimAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        ReconcileRequest? request = await transaction.QuerySingleOrDefaultAsync<ReconcileRequest>(ClaimSql, new { Silence = (double)SilenceSecondsMax }, cancellation);
        await transaction.CommitAsync(cancellation);
        return request;
    }

    private async Task WorkAsync(ReconcileRequest request, CancellationToken stopping)
    {
        try
        {
            await reconcile.RunAsync(request, progress => ExecuteAsync(ProgressSql, request, progress, null, stopping), stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await ExecuteAsync(ReleaseSql, request, null, null, CancellationToken.None);
        }
        catch (Exception failure)
        {
            log.LogWarning(failure, "Cluster {Cluster}, {Month}: it could not be reconciled", request.Cluster, request.Month);
            string reason = failure is ReconcileException ? failure.Message : "An unexpected error; the log of the usage service has it.";
            await ExecuteAsync(FailSql, request, null, reason[..Math.Min(reason.Length, ErrorLengthMax)], stopping);
        }
    }

    private async Task ExecuteAsync(string sql, ReconcileRequest request, ReconcileProgress? progress, string? error, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(request.Org, cancellation);
        var args = new
        {
            request.Org, request.Id, progress?.Zone, progress?.From, progress?.To, progress?.Position, progress?.Source, Error = error, Now = Microseconds.Truncate(clock.GetUtcNow()),
        };
        await transaction.ExecuteAsync(sql, args, cancellation);
        await transaction.CommitAsync(cancellation);
    }
}
