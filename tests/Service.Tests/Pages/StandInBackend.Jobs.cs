using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Usage: jobs, exports.</summary>
public sealed partial class StandInBackend
{
    private static void MapJobs(WebApplication app)
    {
        app.MapGet("/api/v1/jobs", () => new { items = new[] { ImportJob() }, nextCursor = (string?)null });
        app.MapGet("/api/v1/jobs/{id:guid}", (Guid id) => id == Backfill ? Read() : id == Weighing ? Weighed() : ImportJob());
        app.MapGet("/api/v1/jobs/{id:guid}/events", (Guid id) => new
        {
            items = new[] { new { at = Noon, status = "failed", stage = "importing", attempts = 1, errorCode = Hostile, error = Hostile } },
        });
        app.MapPost("/api/v1/jobs/{id:guid}/requeue", (Guid id) => ImportJob());
        app.MapPost("/api/v1/jobs/{id:guid}/cancel", (Guid id) => Results.Problem(statusCode: 409, detail: "The job is over: succeeded."));
        app.MapPost("/api/v1/exports", (ExportWish wish) => wish.Cluster == "a b"
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["cluster"] = ["may hold letters only"] }) { Status = 422 })
            : Results.Json(new { id = Job, type = "export", status = "queued", stage = "waiting" }, statusCode: 202));
        app.MapGet("/api/v1/imports/{id:guid}/quarantine", (Guid id) => new { items = new[] { new { line = 7, reason = Hostile, text = Hostile } } });
    }

    private static object ImportJob() => new
    {
        id = Job,
        type = "import",
        status = "succeeded",
        stage = "done",
        subject = Hostile,
        requestedBy = Hostile,
        done = 9,
        total = 9,
        fileName = Hostile,
        sizeBytes = 9,
        bytesReceived = 9,
        bytesProcessed = 9,
        lines = 2,
        runs = 1,
        stored = 1,
        updated = 0,
        known = 0,
        quarantined = 1,
        cpuCoreHours = 1m,
        gpuHours = 0m,
        createdAt = Noon,
        startedAt = Noon,
        finishedAt = Noon,
    };

    private sealed record ExportWish(string? From, string? To, string? Cluster);
}
