using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Polling;

/// <summary>How the attempt to read a window ended.</summary>
internal abstract record WindowOutcome
{
    private WindowOutcome()
    {
    }

    internal sealed record Stored : WindowOutcome;

    /// <summary>The span is too long for one answer.</summary>
    internal sealed record TooMuch(string Reason) : WindowOutcome;

    /// <summary>No source could answer.</summary>
    internal sealed record Unavailable(string Reason) : WindowOutcome;
}

/// <summary>Reads a window from the first source that can, in the order of preference, and stores it.</summary>
internal sealed class ReadWindow(StoreRecords store, MeasureWindow measure, SourceHealth health)
{
    /// <param name="cluster">What is read.</param>
    /// <param name="read">At the beginning of the window.</param>
    /// <param name="end">End of the window.</param>
    /// <param name="cancellation">Stops it; what was stored until then stays.</param>
    public async Task<WindowOutcome> ReadAsync(Cluster cluster, ClusterRead read, DateTimeOffset end, CancellationToken cancellation)
    {
        var refusals = new List<string>();
        bool isSlow = false;
        foreach (GuardedSource source in cluster.Sources)
        {
            try
            {
                bool hasNews = false;
                await source.RunAsync(async (live, limit) => hasNews |= await CopyAsync(live, read, end, limit), cancellation);
                await health.SucceededAsync(cluster, source, refusals.Count > 0 ? string.Join(' ', refusals) : null, cancellation);
                // A poll sees the same hour again and again; what it could not measure is measured with the month.
                if (hasNews || read.Type != Job.Poll) await measure.MeasureAsync(source.Source, read, end, cancellation);
                return new WindowOutcome.Stored();
            }
            catch (SourceException failure) when (failure.Fault == SourceFault.TooMuch)
            {
                return new WindowOutcome.TooMuch($"{source.Source.Name}: {failure.Message}");
            }
            catch (SourceException failure)
            {
                refusals.Add($"{source.Source.Name}: {failure.Message}");
                isSlow |= failure.Fault == SourceFault.Slow;
                await health.FailedAsync(source, failure.Message, cancellation);
            }
        }

        // Nobody could stand in: perhaps less can be answered in time.
        string reason = string.Join(' ', refusals);
        return isSlow ? new WindowOutcome.TooMuch(reason) : new WindowOutcome.Unavailable(reason);
    }

    // The window counts as read when its last record is stored; until then a second attempt begins it anew, and finds what is known.
    /// <returns>True when a run was new, or became known better.</returns>
    private async Task<bool> CopyAsync(UsageSource source, ClusterRead read, DateTimeOffset end, CancellationToken cancellation)
    {
        int changed = 0;
        await foreach (RecordChunk chunk in source.ReadAsync(read.PositionAt, end, cancellation))
            changed += await store.StoreAsync(read, source.Name, chunk, read.PositionAt, cancellation);
        await store.StoreAsync(read, source.Name, new RecordChunk(1), end, cancellation);
        return changed > 0;
    }
}
