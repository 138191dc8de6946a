using System.Diagnostics.Metrics;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Usage.Quarantine;

/// <summary>The gauge of open records, by cluster. It is counted now and then, not whenever somebody looks.</summary>
internal sealed class CountQuarantine(Database database, TimeProvider clock, ILogger<CountQuarantine> log) : BackgroundService
{
    private const int ClustersMax = 1000;

    // The partial index has exactly these rows.
    private const string Sql = "SELECT org_id, cluster, count(*) AS records FROM quarantine WHERE state = 'open' GROUP BY org_id, cluster LIMIT @Rows";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    private IReadOnlyList<OpenRecords> open = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        UsageMetrics.ObserveOpenQuarantine(() => Volatile.Read(ref open).Select(Measure));
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Volatile.Write(ref open, await CountAsync(stoppingToken));
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("The quarantine could not be counted: {Reason}", failure.Message);
            }

            await Task.Delay(Pause, clock, stoppingToken);
        }
    }

    private async Task<IReadOnlyList<OpenRecords>> CountAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        IReadOnlyList<OpenRecords> counted = await transaction.QueryAsync<OpenRecords>(Sql, new { Rows = ClustersMax }, cancellation);
        // What has been cleared is told as none, not left as it was.
        return [.. counted, .. open.ExceptBy(counted.Select(Key), Key).Select(cleared => cleared with { Records = 0 }).Take(ClustersMax)];
    }

    private static (Guid OrgId, string? Cluster) Key(OpenRecords records) => (records.OrgId, records.Cluster);

    private static Measurement<long> Measure(OpenRecords records) => new(
        records.Records, new KeyValuePair<string, object?>("cluster", records.Cluster ?? "unknown"), new KeyValuePair<string, object?>("org", records.OrgId.ToString()));

    private sealed record OpenRecords
    {
        public Guid OrgId { get; init; }
        public string? Cluster { get; init; }
        public long Records { get; init; }
    }
}
