using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>Who reads a cluster. One at a time, so that what is learnt later is written later. Timed by the database's clock, which all replicas share.</summary>
internal sealed class ClusterLease(Database database, IOptions<UsageOptions> options, TimeProvider clock, ILogger<ClusterLease> log)
{
    // A cluster that fails is left alone until its time; one that works has its back-fills as well.
    private const string ClaimSql = """
        UPDATE clusters SET lease_owner = @Owner, leased_until = clock_timestamp() + make_interval(secs => @Seconds)
        WHERE org_id = @Org AND name = @Name AND (leased_until IS NULL OR leased_until < clock_timestamp() OR lease_owner = @Owner)
            AND (poll_due_at <= @Now OR (failures = 0 AND EXISTS (
                SELECT 1 FROM jobs
                WHERE jobs.org_id = @Org AND jobs.subject = @Name AND jobs.type IN ('poll', 'month', 'backfill') AND jobs.status IN ('queued', 'running'))))
        """;

    private const string RenewSql = """
        UPDATE clusters SET leased_until = clock_timestamp() + make_interval(secs => @Seconds) WHERE org_id = @Org AND name = @Name AND lease_owner = @Owner
        """;

    private const string ReleaseSql = "UPDATE clusters SET lease_owner = NULL, leased_until = NULL WHERE org_id = @Org AND name = @Name AND lease_owner = @Owner";

    /// <summary>This process, as the owner of leases.</summary>
    public Guid Owner { get; } = Guid.CreateVersion7();

    public async Task<bool> TryClaimAsync(Cluster cluster, CancellationToken cancellation) =>
        await ExecuteAsync(ClaimSql, cluster, cancellation) == 1;

    public Task ReleaseAsync(Cluster cluster, CancellationToken cancellation) => ExecuteAsync(ReleaseSql, cluster, cancellation);

    /// <summary>Works under the lease, renewed meanwhile.</summary>
    /// <exception cref="LeaseLostException">Another worker has the cluster.</exception>
    public async Task HoldAsync(Cluster cluster, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task heartbeat = BeatAsync(cluster, held);
        try
        {
            await work(held.Token);
        }
        catch (OperationCanceledException) when (held.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new LeaseLostException();
        }
        finally
        {
            await held.CancelAsync();
            await heartbeat;
        }
    }

    private async Task BeatAsync(Cluster cluster, CancellationTokenSource held)
    {
        TimeSpan third = TimeSpan.FromSeconds(options.Value.LeaseSeconds) / 3;
        while (!held.IsCancellationRequested)
        {
            await Task.Delay(third, clock, held.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (held.IsCancellationRequested) return;
            try
            {
                if (await ExecuteAsync(RenewSql, cluster, held.Token) != 1) await held.CancelAsync();
            }
            catch (Exception failure) when (!held.IsCancellationRequested)
            {
                // The next beat may get through; storing checks the lease by itself.
                log.LogWarning("The lease of cluster {Cluster} could not be renewed: {Reason}", cluster.Name, failure.Message);
            }
        }
    }

    private async Task<int> ExecuteAsync(string sql, Cluster cluster, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(cluster.Org, cancellation);
        var args = new { cluster.Org, cluster.Name, Owner, Seconds = (double)options.Value.LeaseSeconds, Now = Microseconds.Truncate(clock.GetUtcNow()) };
        int rows = await transaction.ExecuteAsync(sql, args, cancellation);
        await transaction.CommitAsync(cancellation);
        return rows;
    }
}
