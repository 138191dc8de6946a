using System.Runtime.CompilerServices;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Polling;

/// <summary>
/// Asks, when a window is stored, what its runs made use of. Whatever goes wrong here stays here: the window is read, the source is as healthy
/// as before, and the figures are unknown until the window is measured again.
/// </summary>
internal sealed class MeasureWindow(Database database, TimeProvider clock, ILogger<MeasureWindow> log)
{
    // Who cannot answer is not kept busy with it.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly ConditionalWeakTable<UsageSource, StrongBox<DateTimeOffset>> pausedUntil = [];

    /// <param name="source">That brought the window.</param>
    /// <param name="read">At the beginning of the window.</param>
    /// <param name="end">End of the window.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task MeasureAsync(UsageSource source, ClusterRead read, DateTimeOffset end, CancellationToken cancellation)
    {
        if (!source.Options.ReadsSteps || (pausedUntil.TryGetValue(source, out StrongBox<DateTimeOffset>? until) && clock.GetUtcNow() < until.Value)) return;
        try
        {
            await foreach (RecordChunk chunk in source.MeasureAsync(read.PositionAt, end, cancellation))
            {
                await using OrgTransaction transaction = await database.BeginAsync(read.OrgId, cancellation);
                await new StoreMeasures(transaction, read.Id).StoreAsync(chunk.Measured, [], cancellation);
                await transaction.CommitAsync(cancellation);
            }
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            pausedUntil.AddOrUpdate(source, new StrongBox<DateTimeOffset>(clock.GetUtcNow() + Pause));
            UsageMetrics.MeasureFailures.Add(1);
            log.LogWarning(failure, "What runs of cluster {Cluster} made use of could not be read from {Source}; their charges are complete", read.Cluster, source.Name);
        }
    }
}
