using System.Globalization;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.Reconciling;

/// <summary>Reconciliations: every attempt begins anew. Seconds of slurmdbd's month that have been read are its progress.</summary>
internal sealed class ReconcileHandler(Database database, ReconcileCluster reconcile) : IJobHandler
{
    private const string FindSql = "SELECT * FROM cluster_reconciliations WHERE org_id = @OrgId AND id = @Id";

    private const string ProgressSql = """
        UPDATE reconciliations SET zone = @Zone, from_at = @From, to_at = @To, position_at = @Position,
            sources = CASE WHEN @Source IS NULL THEN '{}' WHEN @Source = ANY(sources) THEN sources ELSE sources || @Source::text END
        WHERE org_id = @OrgId AND id = @Id
        """;

    public string Type => Job.Reconcile;

    public string FirstStage => "reading";

    public async Task<JobOutcome> RunAsync(JobContext context, CancellationToken cancellation)
    {
        Reconciliation asked = await ReadAsync(context.Job, cancellation);
        var request = new ReconcileRequest(asked.Id, asked.OrgId, asked.Cluster, asked.Month);
        try
        {
            await reconcile.RunAsync(
                request, progress => KeepAsync(context, progress, cancellation), transaction => context.GuardAsync(transaction, cancellation), cancellation);
            return new JobOutcome.Succeeded();
        }
        catch (ReconcileException impossible) when (impossible.InnerException is null)
        {
            return new JobOutcome.Failed("not_comparable", impossible.Message);
        }
    }

    public async Task<IReadOnlyDictionary<string, string>> DescribeAsync(OrgTransaction transaction, Job job, CancellationToken cancellation)
    {
        Reconciliation done = (await transaction.QuerySingleOrDefaultAsync<Reconciliation>(FindSql, new { transaction.OrgId, job.Id }, cancellation))!;
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["cluster"] = done.Cluster,
            ["month"] = done.Month,
            ["differences"] = Text(done.Differences),
            ["slurmdbdRuns"] = Text(done.SlurmdbdRuns),
            ["storedRuns"] = Text(done.StoredRuns),
            ["billedRuns"] = Text(done.BilledRuns),
            ["unbilledRuns"] = Text(done.UnbilledRuns),
            ["exemptRuns"] = Text(done.ExemptRuns),
            ["quarantinedRuns"] = Text(done.QuarantinedRuns),
        };
    }

    public void CleanUp(Job job)
    {
    }

    private async Task<Reconciliation> ReadAsync(Job job, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        return (await transaction.QuerySingleOrDefaultAsync<Reconciliation>(FindSql, new { job.OrgId, job.Id }, cancellation))!;
    }

    private async Task KeepAsync(JobContext context, ReconcileProgress progress, CancellationToken cancellation)
    {
        if (progress.Source is null) await context.EnterAsync("reading", ReadSpan.Seconds(progress.From, progress.To), cancellation);
        if (progress.Position == progress.To) await context.EnterAsync("comparing", null, cancellation);
        else await context.ReportAsync(ReadSpan.Seconds(progress.From, progress.Position), cancellation);
        await using OrgTransaction transaction = await database.BeginAsync(context.Job.OrgId, cancellation);
        var row = new { context.Job.OrgId, context.Job.Id, progress.Zone, progress.From, progress.To, progress.Position, progress.Source };
        await transaction.ExecuteAsync(ProgressSql, row, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
