using System.Diagnostics.Metrics;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Usage.Reconciling;

/// <summary>Shows the last reconciliation of each cluster as a metric, whichever replica made it and however long ago.</summary>
internal sealed class ShowBalances(Database database, TimeProvider clock, ILogger<ShowBalances> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(15);

    private const string Sql = """
        WITH last AS (
            SELECT DISTINCT ON (org_id, cluster) org_id, cluster, id, differences FROM cluster_reconciliations WHERE status = 'succeeded' ORDER BY org_id, cluster, finished_at DESC)
        SELECT last.org_id, last.cluster, last.differences, totals.tres, totals.difference
        FROM last LEFT JOIN reconciliation_totals totals ON totals.org_id = last.org_id AND totals.reconciliation_id = last.id
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                UsageMetrics.Show(await ReadAsync(stoppingToken));
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("The last reconciliations could not be read: {Reason}", failure.Message);
            }

            await Task.Delay(Look, clock, stoppingToken);
        }
    }

    private async Task<IReadOnlyList<LastBalance>> ReadAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        return
        [
            .. (await transaction.QueryAsync<Row>(Sql, null, cancellation)).GroupBy(row => (row.OrgId, row.Cluster, row.Differences)).Select(cluster => new LastBalance(
                cluster.Key.OrgId, cluster.Key.Cluster, cluster.Key.Differences, [.. cluster.Where(row => row.Tres is not null).Select(row => (row.Tres!, row.Difference!.Value))])),
        ];
    }

    private sealed record Row
    {
        public Guid OrgId { get; init; }
        public string Cluster { get; init; } = "";
        public long Differences { get; init; }
        public string? Tres { get; init; }
        public decimal? Difference { get; init; }
    }
}

/// <summary>The last reconciliation of a cluster, as metrics show it.</summary>
internal sealed record LastBalance(Guid Org, string Cluster, long Differences, IReadOnlyList<(string Tres, decimal UnitSeconds)> Tres)
{
    public IEnumerable<Measurement<long>> OfTres() => Tres.Select(one => new Measurement<long>(
        (long)Math.Clamp(one.UnitSeconds, long.MinValue, long.MaxValue), Tag("org", Org.ToString()), Tag("cluster", Cluster), Tag("tres", one.Tres)));

    public Measurement<long> OfRuns() => new(Differences, Tag("org", Org.ToString()), Tag("cluster", Cluster));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
