using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.Service.Tests.Usage.Slurm;

namespace HpcBilling.Service.Tests.Usage;

/// <summary>The ledger of long work: what fails comes again, is given up, and is taken up again by an admin.</summary>
[Collection(nameof(Servers))]
public sealed class JobTests(Servers servers)
{
    private static readonly (string, string)[] Impatient = [("Usage__AttemptsMax", "2"), ("Usage__RetrySecondsMax", "1")];

    [Fact]
    [Trait("Control", "JOB-01")]
    [Trait("Control", "JOB-03")]
    public async Task What_fails_again_and_again_is_given_up_and_an_admin_takes_it_up_again()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, Impatient);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(AuditRecorded));
        var client = new UsageClient(usage);
        byte[] log = SacctLog.Bytes(SacctLog.Of(SacctLog.Finished(10)));
        Guid id = await CreatedAsync(await client.CreateAsync(new { fileName = "a.log", sizeBytes = log.Length, format = "sacct", failAtStage = "importing" }));
        (await client.SendAsync(id, log)).EnsureSuccessStatusCode();

        JsonObject dead = await client.EndAsync(id);
        Assert.Equal(("dead_letter", "attempts_exhausted", 0L), (Text(dead, "status"), Text(dead, "errorCode"), dead["stored"]!.GetValue<long>()));
        Assert.Contains("asked to fail at the stage importing", Text(dead, "error"), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(usage.Settings["Usage__SpoolPath"])); // somebody may still want it

        using (HttpResponseMessage requeued = await PostAsync(usage, $"/api/v1/jobs/{id}/requeue")) Assert.Equal(HttpStatusCode.OK, requeued.StatusCode);
        JobAssert.Succeeded(await client.EndAsync(id), ("stored", 10));
        string[] expected =
        [
            "queued receiving ", "queued waiting ",
            "running importing ", "queued waiting attempt_failed", "running importing attempt_failed", "queued waiting attempt_failed", "running importing attempt_failed",
            "dead_letter done attempts_exhausted", "queued waiting ", "running importing ", "succeeded done ",
        ];
        Assert.Equal(expected, (await EventsAsync(client, id)).Select(e => $"{Text(e, "status")} {Text(e, "stage")} {e["errorCode"]}"));
        await Wait.UntilAsync("it is on record", () => Task.FromResult(
            bus.Heard<AuditRecorded>().Where(act => act.Subject == $"import:{id}").Select(act => act.Action)
                .SequenceEqual(["import.created", "import.failed", "job.requeued", "import.succeeded"])));
        using HttpResponseMessage again = await PostAsync(usage, $"/api/v1/jobs/{id}/requeue");
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
    }

    [Fact]
    [Trait("Control", "JOB-03")]
    public async Task A_job_that_is_cancelled_stops_keeps_what_it_stored_and_goes_on_when_it_is_requeued()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__ChunkLinesMax", "1"));
        var client = new UsageClient(usage);
        const int jobs = 1000;
        byte[] log = SacctLog.Bytes(SacctLog.Of(SacctLog.Finished(jobs)));
        Guid id = await client.CreateAsync(log.Length);
        (await client.SendAsync(id, log)).EnsureSuccessStatusCode();
        await Wait.UntilAsync("it has begun", async () => await usage.ScalarAsync<long>("SELECT stored FROM import_jobs") > 0);

        using (HttpResponseMessage cancelled = await PostAsync(usage, $"/api/v1/jobs/{id}/cancel")) Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        JsonObject job = await client.EndAsync(id);
        Assert.Equal(("cancelled", "cancelled"), (Text(job, "status"), Text(job, "errorCode")));
        long stored = job["stored"]!.GetValue<long>();
        Assert.InRange(stored, 1, jobs - 1);
        Assert.Equal(stored, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));
        using (HttpResponseMessage again = await PostAsync(usage, $"/api/v1/jobs/{id}/cancel")) Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);

        using (HttpResponseMessage requeued = await PostAsync(usage, $"/api/v1/jobs/{id}/requeue")) Assert.Equal(HttpStatusCode.OK, requeued.StatusCode);
        JobAssert.Succeeded(await client.EndAsync(id), ("stored", jobs), ("known", 0));
        Assert.Equal(jobs, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE revision = 1"));
        Assert.Empty(Directory.GetFiles(usage.Settings["Usage__SpoolPath"]));
    }

    [Fact]
    [Trait("Control", "JOB-03")]
    public async Task A_back_fill_that_was_cancelled_goes_on_when_it_is_requeued_and_a_poll_is_not_cancelled()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Instead = context =>
        {
            context.Response.StatusCode = 502;
            return Task.CompletedTask;
        };
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        var client = new UsageClient(usage);
        using HttpClient admin = usage.Client(TestCaller.Admin());
        // It waits behind the poll as long as the cluster is down.
        Guid id = await CreatedAsync(await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = "2026-01-01", to = "2026-01-02" }));
        Guid poll = await usage.ScalarAsync<Guid>("SELECT id FROM jobs WHERE type = 'poll'");
        using (HttpResponseMessage refused = await PostAsync(usage, $"/api/v1/jobs/{poll}/cancel")) Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);

        using (HttpResponseMessage cancelled = await PostAsync(usage, $"/api/v1/jobs/{id}/cancel")) Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        stub.Instead = null;
        await Wait.UntilAsync("the poll succeeds", async () => await usage.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM clusters WHERE last_success_at IS NOT NULL)"));
        Assert.Equal("cancelled", Text(await client.JobAsync(id), "status"));

        using (HttpResponseMessage requeued = await PostAsync(usage, $"/api/v1/jobs/{id}/requeue")) Assert.Equal(HttpStatusCode.OK, requeued.StatusCode);
        JsonObject done = await client.EndAsync(id);
        Assert.Equal(("succeeded", "done"), (Text(done, "status"), Text(done, "stage")));
    }

    [Fact]
    [Trait("Control", "JOB-02")]
    public async Task Runs_are_exported_as_a_file()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, Impatient);
        var client = new UsageClient(usage);
        await client.ImportAsync(SacctLog.Of(SacctLog.Finished(1000).Append(SacctLog.Running(2000, 5))));
        DateTime cut = await usage.ScalarAsync<DateTime>("SELECT ended_at FROM runs WHERE raw_job_id = 500");
        long before = await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE ended_at < @cut", new { cut });
        var body = new { from = "2026-01-01", to = $"{cut:yyyy-MM-ddTHH:mm:ss}Z", failAtStage = "writing" };

        Guid id = await CreatedAsync(await ExportAsync(body, "key"));
        Assert.Equal(id, await CreatedAsync(await ExportAsync(body, "key")));
        using (HttpResponseMessage other = await ExportAsync(new { from = "2026-01-02", to = "2026-01-03" }, "key")) Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Equal("dead_letter", Text(await client.EndAsync(id), "status"));
        using (HttpResponseMessage none = await client.GetAsync($"/api/v1/exports/{id}/content")) Assert.Equal(HttpStatusCode.Conflict, none.StatusCode);
        using (HttpResponseMessage requeued = await PostAsync(usage, $"/api/v1/jobs/{id}/requeue")) Assert.Equal(HttpStatusCode.OK, requeued.StatusCode);

        JsonObject done = await client.EndAsync(id);
        Assert.Equal(("succeeded", before), (Text(done, "status"), done["result"]!["rows"]!.GetValue<long>()));
        using HttpResponseMessage file = await client.GetAsync($"/api/v1/exports/{id}/content");
        string[] lines = (await file.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("text/csv", file.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("job_key,cluster,raw_job_id,", lines[0], StringComparison.Ordinal);
        Assert.Equal(before, lines.Length - 1);
        Assert.All(lines.Skip(1), line => Assert.Contains(",COMPLETED,2026-01-01T", line, StringComparison.Ordinal));
        Assert.Single(await ListAsync(client, "?type=export&status=succeeded"));
        Assert.Empty(await ListAsync(client, "?type=export&status=failed"));

        async Task<HttpResponseMessage> ExportAsync(object asked, string key)
        {
            using HttpClient admin = usage.Client(TestCaller.Admin());
            admin.DefaultRequestHeaders.Add("Idempotency-Key", key);
            return await admin.PostAsJsonAsync("/api/v1/exports", asked);
        }
    }

    [Fact]
    [Trait("Control", "JOB-04")]
    public async Task What_is_no_type_state_or_span_is_refused_with_the_field_named()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        using HttpClient admin = usage.Client(TestCaller.Admin());
        await RefusedAsync("type", "import, poll", admin.GetAsync("/api/v1/jobs?type=magic"));
        await RefusedAsync("status", "dead_letter", admin.GetAsync("/api/v1/jobs?status=lost"));
        await RefusedAsync("from", "date", admin.PostAsJsonAsync("/api/v1/exports", new { from = "yesterday", to = "2026-01-01" }));
        await RefusedAsync("to", "behind", admin.PostAsJsonAsync("/api/v1/exports", new { from = "2026-01-01", to = "2026-01-01" }));
        await RefusedAsync("cluster", "letters", admin.PostAsJsonAsync("/api/v1/exports", new { from = "2026-01-01", to = "2026-01-02", cluster = "a b" }));
        using HttpClient user = usage.Client(TestCaller.User("alice"));
        Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsJsonAsync("/api/v1/exports", new { from = "2026-01-01", to = "2026-01-02" })).StatusCode);

        static async Task RefusedAsync(string field, string words, Task<HttpResponseMessage> asked)
        {
            using HttpResponseMessage answer = await asked;
            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            Assert.Contains(words, (await answer.Content.ReadFromJsonAsync<JsonNode>())!["errors"]![field]!.ToJsonString(), StringComparison.Ordinal);
        }
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningService usage, string path)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        return await admin.PostAsync(path, null);
    }

    private static async Task<Guid> CreatedAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            return (await answer.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        }
    }

    private static async Task<IReadOnlyList<JsonNode>> ListAsync(UsageClient client, string query)
    {
        using HttpResponseMessage answer = await client.GetAsync("/api/v1/jobs" + query);
        return [.. (await answer.Content.ReadFromJsonAsync<JsonNode>())!["items"]!.AsArray().Select(item => item!)];
    }

    private static async Task<IEnumerable<JsonNode>> EventsAsync(UsageClient client, Guid id)
    {
        using HttpResponseMessage answer = await client.GetAsync($"/api/v1/jobs/{id}/events");
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!["items"]!.AsArray().Select(item => item!).Reverse();
    }

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();
}
