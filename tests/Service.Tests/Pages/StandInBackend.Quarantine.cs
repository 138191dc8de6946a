using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Usage: records that are no run.</summary>
public sealed partial class StandInBackend
{
    private static void MapQuarantine(WebApplication app)
    {
        app.MapGet("/api/v1/quarantine", (string? state) => new { items = new[] { Record(state ?? "open", retryable: true), Record(state ?? "dismissed", retryable: false) } });
        app.MapGet("/api/v1/quarantine/counts", () => new { open = 1, items = new[] { new { cluster = Hostile, code = "bad_field", state = "open", records = 1 } } });
        app.MapPost("/api/v1/quarantine/{id:guid}/retry", (Guid id) => new { outcome = "refused", record = Record("open", retryable: true) });
        app.MapPost("/api/v1/quarantine/retry", (Which which) => new { stored = 500, known = 2, refused = 1, nextCursor = which.Cursor is null ? "second" : null });
        app.MapPost("/api/v1/quarantine/{id:guid}/dismiss", (Guid id, Decision decision) => decision.Reason is null
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["reason"] = ["must say why"] }) { Status = 422, Detail = "reason: must say why" })
            : Results.Json(Record("dismissed", retryable: true)));
    }

    private static object Record(string state, bool retryable) => new
    {
        id = Quarantined,
        state,
        importId = retryable ? Job : (Guid?)null,
        line = retryable ? 7 : (long?)null,
        cluster = "c",
        source = retryable ? "import" : Hostile,
        code = "bad_field",
        reason = Hostile,
        text = Hostile,
        retryable,
        times = 3,
        firstSeenAt = Noon,
        resolvedBy = state == "open" ? null : Hostile,
        resolvedAt = state == "open" ? (DateTimeOffset?)null : Noon,
        dismissedBecause = state == "dismissed" ? Hostile : null,
    };

    private sealed record Which(string? Cluster, string? Code, Guid? ImportId, string? Cursor);

    private sealed record Decision(string? Reason);
}
