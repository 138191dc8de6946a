using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Usage: polled clusters, back-fills, months that were weighed.</summary>
public sealed partial class StandInBackend
{
    private static void MapClusters(WebApplication app)
    {
        app.MapGet("/api/v1/clusters", () => new { items = new[] { Cluster() }, nextCursor = (string?)null });
        app.MapPost("/api/v1/clusters/{name}/reconciliations", (string name, MonthWish wish) => wish.Month == "2026-13"
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["month"] = ["must be a month: 2026-10"] }) { Status = 422 })
            : Results.Json(Weighed(), statusCode: 202));
        app.MapGet("/api/v1/clusters/{name}/reconciliations/{id:guid}", (string name, Guid id) => new
        {
            reconciliation = new { cluster = Hostile, month = "2026-10", zone = "Asia/Bangkok", from = Noon, to = Noon, differences = 1 },
            totals = new[] { new { tres = "cpu", slurmdbd = 3600m, stored = 3600m, billed = 0m, unbilled = 1800m, exempt = 0m, quarantined = 0m, difference = 1800m } },
            named = new
            {
                items = new[] { new { kind = "rating_differs", subject = Hostile, changes = new[] { new { fact = "cpus", here = "1", there = "2" } } } },
                nextCursor = (string?)null,
            },
        });
        app.MapPost("/api/v1/clusters/{name}/backfills", (string name, Span span) => span.From is null
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["from"] = ["must be a date"] }) { Status = 422 })
            : Results.Json(Read(), statusCode: 202));
    }

    private static object Cluster() => new
    {
        name = "c",
        readUntil = Noon,
        lastSuccessAt = Noon,
        lastErrorAt = Noon,
        lastError = Hostile,
        activeSource = "sacct",
        activeSince = Noon,
        activeReason = Hostile,
        quarantined = 3,
        sources = new[] { Source("slurmrestd", 1, 12), Source("sacct", 2, 0) },
        unfinishedReads = new[] { Backfill, Job },
    };

    private static object Source(string kind, int preference, int failures) => new
    {
        source = kind,
        kind,
        preference,
        version = Hostile,
        failures,
        lastSuccessAt = Noon,
        lastErrorAt = Noon,
        lastError = Hostile,
    };

    private static object Read() => new
    {
        id = Backfill,
        type = "backfill",
        status = "running",
        cluster = "c",
        from = Noon,
        to = Noon.AddHours(4),
        position = Noon.AddHours(1),
        source = "sacct",
        records = 1234,
    };

    private static object Weighed() => new
    {
        id = Weighing, type = "reconcile", status = "succeeded", stage = "done", subject = "hpc", requestedBy = Hostile, done = 1, total = 1, createdAt = Noon,
    };

    private sealed record Span(string? From, string? To);

    private sealed record MonthWish(string? Month);
}
