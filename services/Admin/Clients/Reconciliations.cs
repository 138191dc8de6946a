using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Months of a cluster, weighed against slurmdbd by the usage service.</summary>
public sealed class Reconciliations(ServiceApi api)
{
    private const string Service = "usage";

    /// <param name="cluster">Slurm's name of it.</param>
    /// <param name="month"><c>2026-10</c>, of the site's zone.</param>
    /// <param name="ct">Cancels it.</param>
    public Task<Answer<Job>> StartAsync(string cluster, string? month, CancellationToken ct) =>
        api.SendAsync<Job>(Service, HttpMethod.Post, Path(cluster), new { month }, ct);

    public Task<Answer<WeighedMonth>> FindAsync(string cluster, Guid id, CancellationToken ct) =>
        api.GetAsync<WeighedMonth>(Service, $"{Path(cluster)}/{id}", new Query(), ct);

    private static string Path(string cluster) => $"/api/v1/clusters/{Uri.EscapeDataString(cluster)}/reconciliations";
}

/// <summary>What came of it; of the named differences the first page.</summary>
public sealed record WeighedMonth(WeighedHead Reconciliation, IReadOnlyList<WeighedTres> Totals, CursorPage<WeighedDifference> Named);

public sealed record WeighedHead(string Cluster, string Month, string? Zone, DateTimeOffset? From, DateTimeOffset? To, long Differences);

/// <summary>TRES-seconds; memory in MiB-seconds.</summary>
public sealed record WeighedTres(
    string Tres, decimal Slurmdbd, decimal Stored, decimal Billed, decimal Unbilled, decimal Exempt, decimal Quarantined, decimal Difference);

public sealed record WeighedDifference(string Kind, string Subject, string? Code, IReadOnlyList<WeighedChange> Changes);

public sealed record WeighedChange(string Fact, string? Here, string? There);
