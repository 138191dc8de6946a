using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>Reads every cluster that has a live source, each on its own schedule and beside the others.</summary>
internal sealed class PollClusters(
    Clusters clusters, ClusterLease lease, ClusterLedger ledger, ReadWindow window, IOptions<PollingOptions> options, TimeProvider clock,
    ILogger<PollClusters> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => FollowChanges.AllAsync(clusters, () => clusters.All, PollAsync, stoppingToken);

    private async Task PollAsync(Cluster cluster, CancellationToken stopping)
    {
        // What was taken away in this moment has a successor, or none.
        using IDisposable? held = cluster.Hold();
        if (held is null) return;
        bool isRegistered = false;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (!isRegistered) await ledger.RegisterAsync(cluster, stopping);
                isRegistered = true;
                if (await lease.TryClaimAsync(cluster, stopping)) await WorkAsync(cluster, stopping);
            }
            catch (LeaseLostException lost)
            {
                log.LogWarning("Cluster {Cluster} is left alone: {Reason}", cluster.Name, lost.Message);
            }
            catch (Exception failure) when (!stopping.IsCancellationRequested)
            {
                // The database is away; everything that counts is in it.
                log.LogWarning(failure, "Cluster {Cluster} could not be read", cluster.Name);
            }

            await Task.Delay(Look, clock, stopping);
        }
    }

    private async Task WorkAsync(Cluster cluster, CancellationToken stopping)
    {
        try
        {
            await lease.HoldAsync(cluster, held => ReadAllAsync(cluster, held), stopping);
        }
        finally
        {
            // A clean stop, too: whoever is there next goes on at once.
            await lease.ReleaseAsync(cluster, CancellationToken.None);
        }
    }

    private async Task ReadAllAsync(Cluster cluster, CancellationToken cancellation)
    {
        while (await ledger.NextAsync(cluster, cancellation) is { } read)
        {
            if (!await ReadOneAsync(cluster, read, cancellation)) return;
        }
    }

    /// <returns>False when the cluster is to be left alone for a while.</returns>
    private async Task<bool> ReadOneAsync(Cluster cluster, ClusterRead read, CancellationToken cancellation)
    {
        DateTimeOffset end = ReadSpan.NextEnd(read.PositionAt, read.ToAt, read.WindowSeconds);
        switch (read.PositionAt < read.ToAt ? await window.ReadAsync(cluster, read, end, cancellation) : new WindowOutcome.Stored())
        {
            case WindowOutcome.Stored:
                if (end == read.ToAt) await ledger.EndAsync(read, cancellation);
                else if (ReadSpan.Grow(read.WindowSeconds, options.Value.WindowSeconds) is var wider && wider != read.WindowSeconds) await ledger.ResizeWindowAsync(read, wider, cancellation);
                return true;
            case WindowOutcome.TooMuch tooMuch when ReadSpan.Halve((int)(end - read.PositionAt).TotalSeconds, options.Value.WindowSecondsMin) is { } half:
                log.LogInformation("Cluster {Cluster}: {Reason} Asking for {Seconds} s at once", cluster.Name, tooMuch.Reason, half);
                await ledger.ResizeWindowAsync(read, half, cancellation);
                return true;
            case WindowOutcome.TooMuch tooMuch:
                await ledger.FailAsync(read, tooMuch.Reason, cancellation);
                return false;
            case WindowOutcome.Unavailable unavailable:
                await ledger.FailAsync(read, unavailable.Reason, cancellation);
                return false;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
