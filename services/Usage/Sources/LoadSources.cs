using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.Sources;

/// <summary>Brings what the table says into force: in this process at once after a change here, in others when they look.</summary>
internal sealed class LoadSources(Database database, SourceRules rules, Clusters clusters, TimeProvider clock, ILogger<LoadSources> log) : IDisposable
{
    private const int RowsMax = 100_000;

    private const string AllSql = "SELECT * FROM sources ORDER BY org_id, id LIMIT @RowsMax";

    // What was read first takes effect first.
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>Set when something has changed.</summary>
    public WakeSignal Changed { get; } = new();

    /// <summary>When it last did; the first look counts as a change.</summary>
    public DateTimeOffset ChangedAt { get; private set; }

    public async Task LoadAsync(CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            IReadOnlyList<StoredSource> rows;
            await using (OrgTransaction transaction = await database.BeginWorkerAsync(cancellation))
                rows = await transaction.QueryAsync<StoredSource>(AllSql, new { RowsMax }, cancellation);

            var marks = rows.GroupBy(row => row.OrgId).ToDictionary(org => org.Key, org => string.Join(' ', org.Select(row => row.Mark)));
            if (!clusters.Load([.. rows.Where(row => row.Enabled).Select(Usable).OfType<UsableSource>()], marks)) return;
            ChangedAt = clock.GetUtcNow();
            Changed.Set();
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>After a change that is committed: it stands, whatever happens here, and is found by looking.</summary>
    public async Task TryLoadAsync(CancellationToken cancellation)
    {
        try
        {
            await LoadAsync(cancellation);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            log.LogWarning(failure, "Sources could not be loaded");
        }
    }

    public void Dispose()
    {
        turn.Dispose();
        Changed.Dispose();
    }

    private UsableSource? Usable(StoredSource row) =>
        rules.Check(row, out SourceOptions options) is null ? new UsableSource(row.Key, options, row.Preference, row.Id, rules.ReachOf(row.OrgId)) : null;
}
