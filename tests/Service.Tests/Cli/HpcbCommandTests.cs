using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Cli;

public sealed class HpcbCommandTests
{
    [Fact]
    public async Task A_receipt_run_is_followed_to_its_end()
    {
        var polls = 0;
        string? asked = null;
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapPost("/api/v1/receipt-runs", (JsonObject body, HttpRequest request) =>
            {
                asked = body.ToJsonString();
                return Guid.TryParse(request.Headers["Idempotency-Key"], out _) ? Results.Text(Run("queued"), "application/json", statusCode: 202) : Results.BadRequest();
            });
            app.MapGet("/api/v1/receipt-runs/{id}", () => Results.Text(Run(++polls > 2 ? "succeeded" : "running"), "application/json"));
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("receipts", "run", "--until", "2017-01-02");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Equal("""{"until":"2017-01-02"}""", asked);
        Assert.Contains("1,234.50 THB", outcome.Output, StringComparison.Ordinal);

        static string Run(string status) => $$"""
            {"id":"0190f1a4-0000-7000-8000-000000000001","status":"{{status}}","until":"2017-01-02","users":2,"usersDone":1,"receipts":2,"runs":4285,"totalMinor":123450,"currency":"THB","error":null}
            """;
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 1)]
    public async Task A_reconciliation_is_followed_to_its_end_and_fails_when_there_is_a_difference(int differences, int exitCode)
    {
        var polls = 0;
        string? asked = null;
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapPost("/api/v1/clusters/{name}/reconciliations", (string name, JsonObject body, HttpRequest request) =>
            {
                asked = $"{name} {body.ToJsonString()}";
                return Guid.TryParse(request.Headers["Idempotency-Key"], out _) ? Results.Text(Head("queued", "null"), "application/json", statusCode: 202) : Results.BadRequest();
            });
            app.MapGet("/api/v1/clusters/{name}/reconciliations/{id}", (string? cursor) => Results.Text(++polls > 2 ? Document("succeeded", "\"2026-11-02T00:00:00Z\"", cursor) : Document("running", "null", null), "application/json"));
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("reconcile", "--cluster", "hpc", "--month", "2026-10");

        Assert.Equal("""hpc {"month":"2026-10"}""", asked);
        Assert.True(outcome.ExitCode == exitCode, outcome.Error + outcome.Output);
        Assert.Contains("7,200", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("charged_seconds 10 → 20", outcome.Output, StringComparison.Ordinal);
        // The second page.
        Assert.Contains("hpc/2/1/2", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(differences > 0, outcome.Error.Contains("2 differences", StringComparison.Ordinal));

        string Head(string status, string finished) => $$$"""
            {"id":"0190f1a4-0000-7000-8000-000000000001","cluster":"hpc","month":"2026-10","status":"{{{status}}}","zone":"Asia/Bangkok","from":"2026-09-30T17:00:00Z","to":"2026-10-31T17:00:00Z",
            "sources":["slurmrestd"],"runs":{"slurmdbd":4,"stored":4,"billed":2,"unbilled":1,"exempt":0,"quarantined":1},"running":1,"notValued":0,"differences":{{{differences}}},
            "kinds":{"other_facts":2},"error":null,"finishedAt":{{{finished}}}}
            """;
        string Document(string status, string finished, string? cursor) => $$$"""
            {"reconciliation":{{{Head(status, finished)}}},"totals":[{"tres":"cpu","slurmdbd":7200,"stored":7200,"billed":3600,"unbilled":3600,"exempt":0,"quarantined":0,"difference":0}],
            "named":{"items":[{"kind":"other_facts","subject":"hpc/{{{(cursor is null ? 1 : 2)}}}/1/2","jobId":"1","code":null,"changes":[{"fact":"charged_seconds","here":"10","there":"20"}]}],
            "nextCursor":{{{(cursor is null ? "\"next\"" : "null")}}}}}
            """;
    }

    [Fact]
    public async Task A_backfill_is_followed_to_its_end()
    {
        var polls = 0;
        string? asked = null;
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapPost("/api/v1/clusters/{name}/backfills", (string name, JsonObject body, HttpRequest request) =>
            {
                asked = $"{name} {body.ToJsonString()}";
                return Guid.TryParse(request.Headers["Idempotency-Key"], out _) ? Results.Text(Backfill("queued"), "application/json", statusCode: 202) : Results.BadRequest();
            });
            app.MapGet("/api/v1/jobs/{id}", () => Results.Text(Backfill(++polls > 2 ? "dead_letter" : "running"), "application/json"));
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("backfill", "--cluster", "hpc", "--from", "2024-01-01");

        Assert.Equal("""hpc {"from":"2024-01-01"}""", asked);
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Contains("1,234", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("given up: slurmdbd is down", outcome.Error, StringComparison.Ordinal);

        static string Backfill(string status) => $$"""
            {"id":"0190f1a4-0000-7000-8000-000000000001","type":"backfill","status":"{{status}}","from":"2024-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z",
            "position":"2025-01-01T00:00:00Z","records":1234,"stored":1000,"updated":200,"corrected":4,"known":30,"quarantined":0,"error":"slurmdbd is down"}
            """;
    }

    [Fact]
    public async Task Sources_are_listed_added_changed_by_what_is_said_checked_and_removed()
    {
        const string Id = "0190f1a4-0000-7000-8000-000000000001";
        var asked = new List<string>();
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapGet("/api/v1/sources", () => Results.Text(List(), "application/json"));
            app.MapPost("/api/v1/sources", (JsonObject body) => Noted("add", body, 201));
            app.MapPut($"/api/v1/sources/{Id}", (JsonObject body) => Noted("change", body, 200));
            app.MapDelete($"/api/v1/sources/{Id}", () => Results.NoContent());
            app.MapPost("/api/v1/sources/check", (JsonObject body) =>
            {
                asked.Add($"check {body.ToJsonString()}");
                return new { works = false, version = "v0.0.40", records = 0, error = "slurmrestd refuses the token (401).", milliseconds = 41 };
            });
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome list = await hpcb.RunAsync("sources", "list");
        Hpcb.Outcome add = await hpcb.RunAsync("sources", "add", "--cluster", "hpc", "--kind", "slurmrestd", "--url", "https://slurm:6820", "--token-file", "token.jwt");
        Hpcb.Outcome change = await hpcb.RunAsync("sources", "change", "hpc/rest", "--preference", "3", "--token-file", "", "--enabled", "false");
        Hpcb.Outcome check = await hpcb.RunAsync("sources", "check", Id);
        Hpcb.Outcome remove = await hpcb.RunAsync("sources", "remove", "hpc/rest");
        Hpcb.Outcome configured = await hpcb.RunAsync("sources", "remove", "hpc/files");

        Assert.Contains("https://slurm:6820", list.Output, StringComparison.Ordinal);
        Assert.Contains("token.jwt", list.Output, StringComparison.Ordinal);
        Assert.Equal((0, 0, 1, 0, 1), (add.ExitCode, change.ExitCode, check.ExitCode, remove.ExitCode, configured.ExitCode));
        Assert.Contains("refuses the token", check.Output, StringComparison.Ordinal);
        Assert.Contains("operator's configuration", configured.Error, StringComparison.Ordinal);
        Assert.Equal(
            [
                """add {"preference":1,"enabled":true,"settings":{"url":"https://slurm:6820","tokenFile":"token.jwt"},"cluster":"hpc","kind":"slurmrestd"}""",
                """change {"cluster":"hpc","name":"rest","kind":"slurmrestd","preference":3,"enabled":false,"settings":{"url":"https://slurm:6820","tokenFile":null},"revision":4}""",
                """check {"cluster":"hpc","name":"rest","kind":"slurmrestd","preference":1,"enabled":true,"settings":{"url":"https://slurm:6820","tokenFile":"token.jwt"},"revision":4}""",
            ],
            asked);

        IResult Noted(string act, JsonObject body, int status)
        {
            asked.Add($"{act} {body.ToJsonString()}");
            return Results.Text(One(), "application/json", statusCode: status);
        }

        static string One() => $$"""
            {"id":"{{Id}}","origin":"admin","cluster":"hpc","name":"rest","kind":"slurmrestd","preference":1,"enabled":true,"revision":4,"problem":null,
            "settings":{"url":"https://slurm:6820","tokenFile":"token.jwt"},"changedBy":"admin","changedAt":"2026-11-02T00:00:00Z"}
            """;
        static string List() => $$"""
            {"items":[{{One()}},{"id":null,"origin":"configuration","cluster":"hpc","name":"files","kind":"directory","preference":2,"enabled":true,"revision":1,"problem":null,
            "settings":{"path":"/srv/sacct"},"changedBy":null,"changedAt":null}],
            "reach":{"hosts":["slurm:6820"],"sockets":[],"secrets":["token.jwt"],"slurmConfs":[],"folders":[]},"sourcesMax":100}
            """;
    }

    [Fact]
    public async Task The_quarantine_is_listed_read_again_to_the_end_and_dismissed_with_a_reason()
    {
        const string Id = "0190f1a4-0000-7000-8000-000000000001";
        var asked = new List<string>();
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapGet("/api/v1/quarantine", (string? state, string? cluster) =>
            {
                asked.Add($"list {state} {cluster}");
                return Results.Json(new { items = new[] { Record("open") }, nextCursor = (string?)null });
            });
            app.MapGet("/api/v1/quarantine/counts", () => new { open = 1234, items = new[] { new { cluster = (string?)null, code = "bad_field", state = "open", records = 1234 } } });
            app.MapGet($"/api/v1/imports/{Id}/quarantine", () => new { items = new[] { new { line = 3, reason = "State is odd.", text = "3|x" } }, nextCursor = (string?)null });
            app.MapPost($"/api/v1/quarantine/{Id}/retry", () => new { outcome = "refused", record = Record("open") });
            app.MapPost("/api/v1/quarantine/retry", (JsonObject body) =>
            {
                asked.Add($"retry {body["cluster"]} {body["cursor"]}");
                return new { stored = 500, known = 1, refused = 2, nextCursor = body["cursor"] is null ? "more" : null };
            });
            app.MapPost($"/api/v1/quarantine/{Id}/dismiss", (JsonObject body) =>
            {
                asked.Add($"dismiss {body["reason"]}");
                return Record("dismissed");
            });
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome all = await hpcb.RunAsync("quarantine");
        Hpcb.Outcome list = await hpcb.RunAsync("quarantine", "list", "--state", "any", "--cluster", "hpc");
        Hpcb.Outcome job = await hpcb.RunAsync("quarantine", Id);
        Hpcb.Outcome count = await hpcb.RunAsync("quarantine", "count");
        Hpcb.Outcome one = await hpcb.RunAsync("quarantine", "retry", Id);
        Hpcb.Outcome many = await hpcb.RunAsync("quarantine", "retry", "--cluster", "hpc");
        Hpcb.Outcome none = await hpcb.RunAsync("quarantine", "retry");
        Hpcb.Outcome dismissed = await hpcb.RunAsync("quarantine", "dismiss", Id, "--reason", "a test");

        Assert.Equal([0, 0, 0, 0, 1, 0, 2, 0], new[] { all, list, job, count, one, many, none, dismissed }.Select(outcome => outcome.ExitCode));
        Assert.Equal(["list open ", "list  hpc", "retry hpc ", "retry hpc more", "dismiss a test"], asked);
        Assert.Contains($"{Id} open hpc slurmrestd (3 times): State is odd.: {{}}", all.Output, StringComparison.Ordinal);
        Assert.Contains("line 3: State is odd.", job.Output, StringComparison.Ordinal);
        Assert.Contains("1234", count.Output, StringComparison.Ordinal);
        Assert.Contains("1,000", many.Output, StringComparison.Ordinal);
        Assert.Contains("dismissed", dismissed.Output, StringComparison.Ordinal);

        static object Record(string state) => new { id = Id, state, cluster = "hpc", source = "slurmrestd", times = 3, reason = "State is odd.", text = "{}" };
    }

    [Fact]
    public async Task Jobs_are_listed_cancelled_taken_up_again_and_their_events_told()
    {
        const string job = "0190f1a4-0000-7000-8000-000000000001";
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapGet("/api/v1/jobs", (string? type, string? status) => Results.Text($$"""{"items":[{{Job(status!)}}],"nextCursor":null}""", "application/json"));
            app.MapGet("/api/v1/jobs/{id}/events", () => Results.Text("""{"items":[{"at":"2026-01-01T00:00:00Z","status":"queued","stage":"waiting","attempts":1,"error":"slow disk"}]}""", "application/json"));
            app.MapPost("/api/v1/jobs/{id}/cancel", () => Results.Text(Job("cancelled"), "application/json"));
            app.MapPost("/api/v1/jobs/{id}/requeue", () => Results.Problem(statusCode: 409, detail: "Only a job that was given up can be requeued."));
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome list = await hpcb.RunAsync("jobs", "list", "--type", "import", "--status", "running");
        Hpcb.Outcome events = await hpcb.RunAsync("jobs", "events", job);
        Hpcb.Outcome cancelled = await hpcb.RunAsync("jobs", "cancel", job);
        Hpcb.Outcome refused = await hpcb.RunAsync("jobs", "requeue", job);

        Assert.Contains("25 %", list.Output, StringComparison.Ordinal);
        Assert.Contains("slow disk", events.Output, StringComparison.Ordinal);
        Assert.Contains("cancelled", cancelled.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("Only a job that was given up", refused.Error, StringComparison.Ordinal);

        static string Job(string status) => $$"""{"id":"{{job}}","type":"import","status":"{{status}}","stage":"importing","subject":"a.log","done":1,"total":4,"createdAt":"2026-01-01T00:00:00Z"}""";
    }

    [Fact]
    public async Task An_export_is_waited_for_and_saved()
    {
        const string job = "0190f1a4-0000-7000-8000-000000000001";
        var polls = 0;
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapPost("/api/v1/exports", () => Results.Text(Job("queued"), "application/json", statusCode: 202));
            app.MapGet("/api/v1/jobs/{id}", () => Results.Text(Job(++polls > 1 ? "succeeded" : "running"), "application/json"));
            app.MapGet("/api/v1/exports/{id}/content", () => Results.Text("job_key\nhpc/1/2/3\n", "text/csv"));
        });
        using var hpcb = Hpcb.SignedInTo(gateway);
        string folder = Directory.CreateTempSubdirectory("hpcb-export-").FullName;
        string file = Path.Combine(folder, "runs.csv");

        Hpcb.Outcome outcome = await hpcb.RunAsync("export", file, "--from", "2026-01-01", "--to", "2026-02-01");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Equal("job_key\nhpc/1/2/3\n", await File.ReadAllTextAsync(file));
        Assert.Contains("1,234 runs", outcome.Output, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);

        static string Job(string status) => $$"""{"id":"{{job}}","type":"export","status":"{{status}}","stage":"writing","done":1,"total":4,"result":{"rows":1234} }""";
    }

    [Fact]
    public async Task Lists_are_read_to_the_last_page()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapGet("/api/v1/receipts", (string? cursor, string? user) =>
            Results.Json(new { items = new[] { Receipt(cursor is null ? "R-1" : "R-2", user) }, nextCursor = cursor is null ? "a b&c" : null })));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("receipts", "list", "--user", "al&ice");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains("R-1", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("R-2", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("al&ice", outcome.Output, StringComparison.Ordinal);

        static object Receipt(string number, string? user) =>
            new { id = Guid.CreateVersion7(), number, username = user, status = "issued", totalMinor = 5, currency = "THB", issuedAt = "2017-01-02T00:00:00Z" };
    }

    [Fact]
    public async Task A_credit_note_is_named_so_and_says_what_it_corrects()
    {
        var id = Guid.CreateVersion7();
        object note = new
        {
            id, kind = "credit_note", number = "C-2017-000001", username = "alice", status = "issued", totalMinor = -250, currency = "THB", issuedAt = "2017-01-02T00:00:00Z", runs = 0,
            adjustments = 1,
        };
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
        {
            app.MapGet("/api/v1/receipts", () => new { items = new[] { note } });
            app.MapGet("/api/v1/receipts/{id}", () => note);
            app.MapGet("/api/v1/receipts/{id}/items", () => new { items = Array.Empty<object>() });
            app.MapGet("/api/v1/receipts/{id}/adjustments", () => new
            {
                items = new[]
                {
                    new { jobId = "17", cluster = "c", correctsNumber = "R-2017-000009", changed = new[] { "charged_seconds", "cpus" }, beforeMinor = 300, amountMinor = 50, differenceMinor = -250 },
                },
            });
        });
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome list = await hpcb.RunAsync("receipts", "list");
        Assert.Contains("credit note", list.Output, StringComparison.Ordinal);
        Hpcb.Outcome shown = await hpcb.RunAsync("receipts", "show", $"{id}");
        Assert.True(shown.ExitCode == 0, shown.Error);
        foreach (string text in (string[])["Credit note", "-2.50 THB", "R-2017-000009", "charged_seconds cpus", "3.00 THB", "0.50 THB"])
            Assert.Contains(text, shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_are_listed_with_how_much_of_what_they_held_they_used()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapGet("/api/v1/usage", (string? user) => Results.Json(new
        {
            items = new object[]
            {
                Run("17", user, 0.8512m, 0.25m),
                Run("18", user, null, null),
            },
        })));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("usage", "list", "--user", "*");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Matches("17 +│ \\* .* 1.0000 +│ 0.0000 +│ 85.1% +│ 25.0% +│ 0.27 THB +│ unbilled|17 +\\* .* 1.0000 +0.0000 +85.1% +25.0% +0.27 THB +unbilled", outcome.Output);
        Assert.Matches("18 .* - .* - .* unbilled", outcome.Output);

        static object Run(string job, string? user, decimal? cpu, decimal? memory) => new
        {
            jobId = job, username = user, account = "physics", state = "COMPLETED", endedAt = "2017-01-02T00:00:00Z", cpuCoreHours = 1m, gpuHours = 0m,
            cpuEfficiency = cpu, memoryEfficiency = memory, amountMinor = 27, currency = "THB", status = "unbilled",
        };
    }

    [Fact]
    public async Task A_refusal_is_one_line_that_names_the_field()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapPost("/formula", () => Results.ValidationProblem(
            new Dictionary<string, string[]> { ["cpuCoreHour"] = ["must not be negative"] }, statusCode: 422, title: "The request is not valid")));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("rates", "set", "mu", "--cpu", "-1", "--gpu", "2", "--memory", "0.5");

        Assert.Equal((1, "hpcb: The request is not valid (cpuCoreHour: must not be negative) (POST /formula)"), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task New_rates_are_sent_once_even_when_the_answer_is_lost()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapPost("/formula", (HttpContext context) => context.Abort()));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("rates", "set", "mu", "--cpu", "1", "--gpu", "2", "--memory", "0.5");

        Assert.Equal(3, outcome.ExitCode);
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task Text_from_elsewhere_cannot_command_the_terminal()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(app =>
            app.MapGet("/connect/userinfo", () => new { preferred_username = "al\u001b]0;owned\u0007ice[bold]", role = "user" }));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("whoami");

        Assert.Equal(0, outcome.ExitCode);
        Assert.DoesNotContain('\u001b', outcome.Output);
        Assert.Contains("ice[bold]", outcome.Output, StringComparison.Ordinal);
    }
}
