using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Rating: tariffs, estimates, usage, receipts.</summary>
public sealed partial class StandInBackend
{
    private static void MapRating(WebApplication app)
    {
        app.MapGet("/formula", (string type) => Rates(type));
        app.MapPost("/formula", () => Results.Json(Rates("mu"), statusCode: 201));
        app.MapGet("/api/v1/tariffs", () => new
        {
            currency = "THB",
            tiers = new[] { new { tier = "mu", isDefault = true, current = Rates("mu"), history = new[] { Version() } } },
        });
        app.MapGet("/api/v1/estimate", (decimal hours) => hours > 8784
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["hours"] = ["must be between 0 and 8784"] }) { Status = 422 })
            : Results.Json(new { tier = "mu", version = 3, currency = "THB", cpuMinor = 100, gpuMinor = 20, memoryMinor = 3, amountMinor = 123, rates = Rates("mu") }));
        app.MapGet("/api/v1/usage/totals", () => new
        {
            runs = 2,
            finished = 2,
            billed = 1,
            unbilled = 1,
            exempt = 0,
            unpriced = 0,
            cpuCoreHours = 11767.9883m,
            gpuHours = 506.9128m,
            memoryGibHours = 1m,
            amountMinor = 300,
            billedMinor = 100,
            currency = "THB",
        });
        app.MapGet("/api/v1/usage", (string? view, string? cursor) => view == "aggregate"
            ? Results.Json(new { items = new[] { Month() } })
            : Results.Json(new { items = new[] { Run() }, nextCursor = cursor is null ? "second" : null }));
        app.MapGet("/api/v1/receipts", () => new { items = new[] { Receipt(OwnReceipt, Hostile), TakenBack() } });
        app.MapGet("/api/v1/receipts/{id:guid}", (Guid id) => id == CreditNote ? TakenBack() : Receipt(id, id == OwnReceipt ? Hostile : "mallory"));
        app.MapPost("/api/v1/receipts/{id:guid}/refund", (RefundWish wish) => string.IsNullOrEmpty(wish.Note)
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["note"] = ["must say how"] }) { Status = 422 })
            : Results.Json(TakenBack()));
        app.MapPost("/api/v1/receipts", () => Results.Json(new { id = OwnReceipt, number = "R-2017-000001", status = "issued" }, statusCode: 201));
        app.MapGet("/api/v1/tiers/{username}", (string username) => new { username, tier = "mu", isDefault = true });
    }

    private static object Rates(string tier) =>
        new { type = tier, version = 3, effectiveFrom = Noon, currency = "THB", cpuCoreHour = 0.25m, gpuHour = 12.5m, memoryGibHour = 0.02m };

    private static object Version() => new
    {
        version = 3,
        effectiveFrom = Noon,
        currency = "THB",
        cpuCoreHour = 0.25m,
        gpuHour = 12.5m,
        memoryGibHour = 0.02m,
        publishedBy = Hostile,
        publishedAt = Noon,
    };

    private static object Run() => new
    {
        jobId = "17",
        cluster = "c",
        username = Hostile,
        account = Formula,
        partition = Hostile,
        qos = "normal",
        state = Hostile,
        submittedAt = Noon,
        startedAt = Noon,
        endedAt = Noon,
        chargedSeconds = 3600,
        cpus = 1,
        gpus = 0,
        memoryMib = 1024,
        status = "unbilled",
        tier = "mu",
        tariffVersion = 3,
        currency = "THB",
        cpuMinor = 25,
        gpuMinor = 0,
        memoryMinor = 2,
        amountMinor = 27,
        cpuEfficiency = 0.124m,
        memoryEfficiency = 0.8512m,
    };

    private static object Month() => new
    {
        month = "2017-01",
        account = Hostile,
        partition = Hostile,
        runs = 1,
        billed = 0,
        cpuCoreHours = 1m,
        gpuHours = 0m,
        memoryGibHours = 1m,
        amountMinor = 27,
        billedMinor = 0,
        currency = "THB",
    };

    private static object Receipt(Guid id, string username) => new
    {
        id,
        number = "R-2017-000001",
        username,
        status = "issued",
        currency = "THB",
        totalMinor = 123450,
        runs = 1,
        cpuCoreHours = 1m,
        gpuHours = 0m,
        memoryGibHours = 1m,
        firstEndedAt = Noon,
        lastEndedAt = Noon,
        until = Noon,
        issuedBy = username,
        issuedAt = Noon,
        rates = new[] { new { tier = Hostile, version = 3, cpuCoreHour = 0.25m, gpuHour = 12.5m, memoryGibHour = 0.02m } },
        items = new[]
        {
            new
            {
                line = 1, jobId = Hostile, cluster = "c", account = Formula, partition = Hostile, state = Hostile, startedAt = Noon, endedAt = Noon,
                chargedSeconds = 3600, cpus = 1, gpus = 0, memoryMib = 1024, tier = "mu", tariffVersion = 3, cpuMinor = 25, gpuMinor = 0,
                memoryMinor = 2, amountMinor = 27,
            },
        },
    };

    private static object TakenBack() => new
    {
        id = CreditNote,
        kind = "credit_note",
        number = "C-2017-000001",
        username = Hostile,
        status = "issued",
        currency = "THB",
        totalMinor = -123450,
        runs = 0,
        adjustments = 1,
        cpuCoreHours = 0m,
        gpuHours = 0m,
        memoryGibHours = 0m,
        until = Noon,
        issuedBy = Hostile,
        issuedAt = Noon,
        rates = new[] { new { tier = Hostile, version = 3, cpuCoreHour = 0.25m, gpuHour = 12.5m, memoryGibHour = 0.02m } },
        items = Array.Empty<object>(),
        adjustmentItems = new[]
        {
            new
            {
                line = 1, jobId = Hostile, cluster = "c", account = Formula, partition = Hostile, state = Hostile, startedAt = (DateTimeOffset?)null, endedAt = Noon,
                corrects = OwnReceipt, correctsNumber = "R-2017-000001", changed = new[] { "charged_seconds", "cpus", "started_at", Hostile },
                reason = "never_started", chargedSeconds = 0, cpus = 2, gpus = 0, memoryMib = 1024, beforeChargedSeconds = 3600, beforeCpus = 1, beforeGpus = 0,
                beforeMemoryMib = 1024, tier = "mu", tariffVersion = (int?)null, beforeMinor = 123450, amountMinor = 0, cpuDifferenceMinor = -123450,
                gpuDifferenceMinor = 0, memoryDifferenceMinor = 0, differenceMinor = -123450,
            },
        },
    };

    private sealed record RefundWish(string? Note);
}
