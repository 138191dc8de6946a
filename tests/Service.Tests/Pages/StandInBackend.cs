using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>In place of identity, rating, usage, payment and audit: answers in their shapes, with names as hostile as users can make them.</summary>
public sealed class StandInBackend : IAsyncDisposable
{
    public const string Hostile = "<script>alert(1)</script>";
    public const string Formula = "=HYPERLINK(\"http://evil.example\")";
    public static readonly Guid OwnReceipt = new("01900000-0000-7000-9000-000000000001");
    public static readonly Guid ForeignReceipt = new("01900000-0000-7000-9000-000000000002");
    public static readonly Guid CreditNote = new("01900000-0000-7000-9000-00000000000c");
    public const string Code = "ABCD-EFGH-JKMN-PQRS";
    public static readonly Guid Account = new("01900000-0000-7000-9000-000000000004");
    public static readonly Guid Weighing = new("01900000-0000-7000-9000-000000000009");
    public static readonly Guid Quarantined = new("01900000-0000-7000-9000-000000000005");
    public static readonly Guid Backfill = new("01900000-0000-7000-9000-000000000006");
    public static readonly Guid Job = new("01900000-0000-7000-9000-000000000003");

    private static readonly DateTimeOffset Noon = new(2017, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly ConcurrentQueue<string> written = new();
    private WebApplication? app;

    public string Address { get; private set; } = "";

    /// <summary>Method, path and body of everything that would have changed something.</summary>
    public IReadOnlyCollection<string> Written => written;

    public void Forget() => written.Clear();

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.Use(async (context, next) =>
        {
            if (!HttpMethods.IsGet(context.Request.Method))
            {
                context.Request.EnableBuffering();
                using var body = new StreamReader(context.Request.Body, leaveOpen: true);
                written.Enqueue($"{context.Request.Method} {context.Request.Path} {await body.ReadToEndAsync()}");
                context.Request.Body.Position = 0;
            }

            await next(context);
        });
        MapRating(app);
        MapIdentity(app);
        app.MapGet("/api/v1/jobs", () => new { items = new[] { ImportJob() }, nextCursor = (string?)null });
        app.MapGet("/api/v1/jobs/{id:guid}", (Guid id) => id == Backfill ? Read() : id == Weighing ? Weighed() : ImportJob());
        MapQuarantine(app);
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
        app.MapGet("/api/v1/audit", () => new
        {
            items = new[]
            {
                new
                {
                    seq = 1, occurredAt = Noon, service = "rating", actor = Hostile, action = "receipt.issued", subject = Hostile,
                    details = new Dictionary<string, string> { ["reason"] = Hostile }, ipAddress = "10.0.0.1", hash = "00",
                },
            },
        });
        await app.StartAsync();
        Address = app.Urls.Single();
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
    }

    private static void MapIdentity(WebApplication app)
    {
        app.MapGet("/api/v1/users", () => new { items = new[] { User(code: null) }, nextCursor = (string?)null });
        app.MapGet("/api/v1/users/{id:guid}", (Guid id) => User(code: null));
        app.MapPost("/api/v1/users", (UserWish wish) => wish.Password == "short"
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["password"] = ["must have at least 12 characters"] }) { Status = 422 })
            : Results.Json(User(wish.Password is null ? Code : null), statusCode: 201));
        app.MapPatch("/api/v1/users/{id:guid}", (Guid id, UserWish wish) => wish.Role == "user"
            ? Results.Problem(statusCode: 409, detail: "This is the last active admin; make another one first.")
            : Results.Json(User(code: null)));
        app.MapPost("/api/v1/users/{id:guid}/reset", (Guid id) => User(Code));
        app.MapDelete("/api/v1/users/{id:guid}/second-factor", (Guid id) => User(code: null));
    }

    private static void MapQuarantine(WebApplication app)
    {
        app.MapGet("/api/v1/quarantine", (string? state) => new { items = new[] { Record(state ?? "open", retryable: true), Record(state ?? "dismissed", retryable: false) } });
        app.MapGet("/api/v1/quarantine/counts", () => new { open = 1, items = new[] { new { cluster = Hostile, code = "bad_field", state = "open", records = 1 } } });
        app.MapPost("/api/v1/quarantine/{id:guid}/retry", (Guid id) => new { outcome = "refused", record = Record("open", retryable: true) });
        app.MapPost("/api/v1/quarantine/retry", (Which which) => new { stored = 500, known = 2, refused = 1, nextCursor = which.Cursor is null ? "second" : null });
        app.MapPost("/api/v1/quarantine/{id:guid}/dismiss", (Guid id, Decision decision) => decision.Reason is null
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["reason"] = ["must say why"] }) { Status = 422, Detail = "reason: must say why" })
            : Results.Json(Record("dismissed", retryable: true)));
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

    private static object User(string? code) => new
    {
        id = Account,
        username = Hostile,
        role = "admin",
        status = "active",
        createdAt = Noon,
        hasPassword = code is null,
        hasSecondFactor = true,
        code,
        codeExpiresAt = code is null ? (DateTimeOffset?)null : Noon,
        codePath = code is null ? null : "/login/reset",
    };

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

    private static object Weighed() => new
    {
        id = Weighing, type = "reconcile", status = "succeeded", stage = "done", subject = "hpc", requestedBy = Hostile, done = 1, total = 1, createdAt = Noon,
    };

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

    private sealed record Which(string? Cluster, string? Code, Guid? ImportId, string? Cursor);

    private sealed record Decision(string? Reason);

    private sealed record Span(string? From, string? To);

    private sealed record MonthWish(string? Month);

    private sealed record RefundWish(string? Note);

    private sealed record ExportWish(string? From, string? To, string? Cluster);

    private sealed record UserWish(string? Username, string? Password, string? Role);
}
