using System.Diagnostics.Metrics;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>The gauge of what waits for an adjustment. It is counted now and then, not whenever somebody looks.</summary>
internal sealed class CountPendingAdjustments(Database database, TimeProvider clock, ILogger<CountPendingAdjustments> log) : BackgroundService
{
    private const int RowsMax = 1000;

    // The partial index has exactly these rows. "Nothing" is what the next receipt takes up.
    private const string Sql = """
        SELECT org_id, coalesce(waits_for, 'nothing') AS waits_for, count(*) AS runs FROM superseded_runs
        WHERE adjusted_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2 LIMIT @RowsMax
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    private IReadOnlyList<Pending> pending = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        RatingMetrics.ObservePendingAdjustments(() => Volatile.Read(ref pending).Select(Measure));
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Volatile.Write(ref pending, await CountAsync(stoppingToken));
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("Pending adjustments could not be counted: {Reason}", failure.Message);
            }

            await Task.Delay(Pause, clock, stoppingToken);
        }
    }

    private async Task<IReadOnlyList<Pending>> CountAsync(CancellationToken cancellation)
    {
        await using var transaction = await database.BeginWorkerAsync(cancellation);
        var counted = await transaction.QueryAsync<Pending>(Sql, new { RowsMax }, cancellation);

        // What has been taken up is told as none, not left as it was.
        return [.. counted, .. pending.ExceptBy(counted.Select(Key), Key).Select(gone => gone with { Runs = 0 }).Take(RowsMax)];
    }

    private static (Guid OrgId, string WaitsFor) Key(Pending one) => (one.OrgId, one.WaitsFor);

    private static Measurement<long> Measure(Pending one) => new(
        one.Runs, new KeyValuePair<string, object?>("org", one.OrgId.ToString()), new KeyValuePair<string, object?>("waits_for", one.WaitsFor));

    private sealed record Pending(Guid OrgId, string WaitsFor, long Runs);
}
