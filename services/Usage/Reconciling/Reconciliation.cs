using System.Text.Json;
using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.Reconciling;

/// <summary>A row of the view <c>cluster_reconciliations</c>: a job and what came of it; see the tables for what the columns mean.</summary>
internal sealed record Reconciliation : Job
{
    public string Cluster { get; init; } = "";
    public string Month { get; init; } = "";
    public string? Zone { get; init; }
    public DateTimeOffset? FromAt { get; init; }
    public DateTimeOffset? ToAt { get; init; }
    public DateTimeOffset? PositionAt { get; init; }
    public string[] Sources { get; init; } = [];
    public long Running { get; init; }
    public long SlurmdbdRuns { get; init; }
    public long StoredRuns { get; init; }
    public long BilledRuns { get; init; }
    public long UnbilledRuns { get; init; }
    public long ExemptRuns { get; init; }
    public long QuarantinedRuns { get; init; }
    public long NotValued { get; init; }
    public long Differences { get; init; }
    public string Kinds { get; init; } = "{}";
}

/// <summary>A reconciliation as clients see it; <c>position</c> between <c>from</c> and <c>to</c> is how far slurmdbd has been read.</summary>
internal sealed record ReconciliationView(
    Guid Id, string Cluster, string Month, string Status, string? Zone, DateTimeOffset? From, DateTimeOffset? To, DateTimeOffset? Position, IReadOnlyList<string> Sources,
    RunCounts Runs, long Running, long NotValued, long Differences, JsonElement Kinds, string? Error, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt)
{
    public static ReconciliationView Of(Reconciliation row) => new(
        row.Id, row.Cluster, row.Month, row.Status, row.Zone, row.FromAt, row.ToAt, row.PositionAt, row.Sources,
        new RunCounts(row.SlurmdbdRuns, row.StoredRuns, row.BilledRuns, row.UnbilledRuns, row.ExemptRuns, row.QuarantinedRuns),
        row.Running, row.NotValued, row.Differences, JsonSerializer.Deserialize<JsonElement>(row.Kinds), row.Error, row.CreatedAt, row.StartedAt, row.FinishedAt);
}

internal sealed record RunCounts(long Slurmdbd, long Stored, long Billed, long Unbilled, long Exempt, long Quarantined);

/// <summary>TRES-seconds of a resource; <c>mem</c> in MiB-seconds.</summary>
internal sealed record TresTotal(
    string Tres, decimal Slurmdbd, decimal Stored, decimal Billed, decimal Unbilled, decimal Exempt, decimal Quarantined, decimal Difference);
