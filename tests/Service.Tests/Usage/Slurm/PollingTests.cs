using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Usage.Slurm;

[Collection(nameof(Servers))]
public sealed class PollingTests(Servers servers)
{
    private const long Hour = 3600;

    private static readonly long Now = PolledService.Now;

    [Fact]
    public async Task A_job_is_known_when_it_runs_final_when_it_ends_and_never_twice()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        stub.Put(new StubRecord(1, Now - 100, 0, 0));
        stub.Put(new StubRecord(2, Now - 100, Now - 90, 0));
        await PolledService.UntilRunsAsync(usage, 1);

        stub.Put(new StubRecord(1, Now - 100, Now - 50, 0));
        await PolledService.UntilRunsAsync(usage, 2);
        stub.Put(new StubRecord(1, Now - 100, Now - 50, Now - 10));
        stub.Put(new StubRecord(2, Now - 100, Now - 90, Now - 5));

        await Wait.UntilAsync("both have ended", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL") == 2);
        Assert.Equal([(1L, 40L), (2L, 85L)], await usage.QueryAsync<(long, long)>("SELECT raw_job_id, charged_seconds FROM runs ORDER BY 1"));
        await Wait.UntilAsync("the ends are told", () => Task.FromResult(
            bus.Heard<UsageRecorded>().SelectMany(batch => batch.Runs).Where(run => run.EndedAt is not null).Select(run => run.RawJobId).Distinct().Count() == 2));
    }

    [Fact]
    public async Task A_start_that_Slurm_still_moves_makes_no_second_run()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(new StubRecord(1, Now - 20, Now - 2, 0) { Elapsed = 2 });
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        int asked = stub.Questions.Count;
        await Wait.UntilAsync("it has been asked for again and again", () => Task.FromResult(stub.Questions.Count > asked + 3));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));

        var known = new StubRecord(1, Now - 20, Now - 15, 0) { Elapsed = 15 };
        stub.Put(known);
        await PolledService.UntilRunsAsync(usage, 1);
        stub.Put(known with { End = Now, State = "COMPLETED" });
        await Wait.UntilAsync("it has ended", async () => await usage.ScalarAsync<bool>("SELECT bool_and(ended_at IS NOT NULL) FROM runs"));
        Assert.Equal([$"hpc/1/{Now - 20}/{Now - 15} 15"], await usage.QueryAsync<string>("SELECT job_key || ' ' || charged_seconds FROM runs"));
    }

    [Fact]
    public async Task The_newest_version_that_is_understood_is_asked_with_every_flag_and_both_ends()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);

        await Wait.UntilAsync("it is asked", () => Task.FromResult(stub.Questions.Count > 0));

        Assert.Equal("/slurmdb/v0.0.46/jobs/", stub.Questions[0].Path);
        Assert.Equal(["cluster", "disable_truncate_usage_time", "end_time", "show_duplicates", "skip_steps", "start_time"], stub.Questions[0].Parameters);
        await Wait.UntilAsync("the choice is written down", async () => (await usage.QueryAsync<string>("SELECT version FROM source_states")).SequenceEqual(["v0.0.46"]));
        JsonNode cluster = (await ClustersAsync(usage))["items"]![0]!;
        Assert.Equal(("hpc", "slurmrestd"), (cluster["name"]!.GetValue<string>(), cluster["activeSource"]!.GetValue<string>()));
        Assert.Equal("v0.0.46", cluster["sources"]![0]!["version"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_reaches_slurmdbd_late_is_found_by_the_overlap_and_what_changes_later_by_reading_the_month()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub, ("Polling__OverlapMinutes", "30"));
        await Wait.UntilAsync("it has polled", async () => await usage.ScalarAsync<bool>("SELECT count(*) > 0 FROM clusters WHERE read_until > now() - interval '1 minute'"));
        stub.Put(new StubRecord(1, Now - Hour, Now - Hour, Now - (Hour / 4)));
        await PolledService.UntilRunsAsync(usage, 1);

        // Too late for any overlap: a run that ended days ago. It is found when the open month is read again.
        stub.Put(new StubRecord(2, Now - (48 * Hour), Now - (48 * Hour), Now - (40 * Hour)));
        await usage.ExecuteAsync("UPDATE clusters SET month_read_at = now() - interval '7 hours'");

        await PolledService.UntilRunsAsync(usage, 2);
        Assert.Contains(stub.Questions, question => question.To - question.From > 20 * Hour);
    }

    [Fact]
    public async Task Facts_that_change_after_the_end_are_a_new_version_and_are_told_as_a_correction()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(UsageCorrected), typeof(AuditRecorded));
        var first = new StubRecord(1, Now - 600, Now - 600, Now - 60);
        stub.Put(first);
        await PolledService.UntilRunsAsync(usage, 1);

        stub.Put(first with { End = Now - 600, Elapsed = 0, Account = "chem" });
        await Wait.UntilAsync("the correction is told", () => Task.FromResult(bus.Heard<UsageCorrected>().Count == 1));
        stub.Put(first);
        await Wait.UntilAsync("what held first holds again", () => Task.FromResult(bus.Heard<UsageCorrected>().Count == 2));

        Assert.Equal(["ended_at", "charged_seconds", "account"], bus.Heard<UsageCorrected>()[0].Runs.Single().Changed);
        Assert.Equal([(2, 0L, "chem"), (3, 540L, "physics")], bus.Heard<UsageCorrected>().Select(message => message.Runs.Single().Run).Select(run => (run.Revision, run.ChargedSeconds, run.Account)));
        Assert.Equal([(1, 540L, "physics"), (2, 0L, "chem")], await usage.QueryAsync<(int, long, string)>("SELECT revision, charged_seconds, account FROM run_versions ORDER BY revision"));

        // A file does not say when it was true: what once held is known, anything else is for somebody to decide.
        var client = new UsageClient(usage);
        JobAssert.Succeeded(await client.ImportAsync(Line("chem", 0), Fields), ("known", 1), ("quarantined", 0));
        JobAssert.Succeeded(await client.ImportAsync(Line("astro", 0), Fields), ("known", 0), ("quarantined", 1));
        Assert.Equal(3, await usage.ScalarAsync<int>("SELECT revision FROM runs"));
    }

    [Fact]
    public async Task Slurms_own_identity_is_learnt_for_a_known_run_and_keeps_it_one_run()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        var run = new StubRecord(1, Now - 600, Now - 600, Now - 60);
        stub.Put(run);
        await PolledService.UntilRunsAsync(usage, 1);

        stub.Put(run with { Sluid = "s1ABC" });
        await Wait.UntilAsync("the identity is stored", async () => (await usage.QueryAsync<string?>("SELECT sluid FROM runs")).SequenceEqual(["s1ABC"]));
        // The same run told with another start: by its key alone it would be a second one.
        stub.Put(run with { Sluid = "s1ABC", Start = Now - 590, Elapsed = 530 });

        await Wait.UntilAsync("it is corrected", async () => await usage.ScalarAsync<int>("SELECT revision FROM runs") == 2);
        Assert.Equal((530L, 1L), (await usage.ScalarAsync<long>("SELECT charged_seconds FROM runs"), await usage.ScalarAsync<long>("SELECT count(*) FROM runs")));
        Assert.Equal(["started_at", "charged_seconds"], (await usage.QueryAsync<string[]>("SELECT changed FROM run_versions")).Single());
    }

    [Fact]
    public async Task A_record_that_cannot_be_a_run_is_kept_once_however_often_it_comes_and_stops_nothing()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        stub.Put("broken", """{"job_id": 7, "cluster": "hpc", "user": "alice", "name": "secret", "state": {"current": "done"}}""");
        stub.Put(new StubRecord(1, Now - 600, Now - 600, Now - 60));

        await PolledService.UntilRunsAsync(usage, 1);
        await Wait.UntilAsync("it has come again", async () => (await usage.QueryAsync<long>("SELECT times FROM quarantine")) is [> 1]);

        using HttpClient admin = usage.Client(TestCaller.Admin());
        JsonNode kept = Assert.Single((await admin.GetFromJsonAsync<JsonNode>("/api/v1/clusters/hpc/quarantine"))!["items"]!.AsArray())!;
        Assert.Equal(("bad_field", "state.current", "slurmrestd"), (Text(kept, "code"), Text(kept, "field"), Text(kept, "source")));
        Assert.DoesNotContain("secret", kept.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_asked_for_in_halves()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        foreach (int day in Enumerable.Range(0, 20)) stub.Put(new StubRecord(day + 1, Now - (day * 12 * Hour) - 600, Now - (day * 12 * Hour) - 600, Now - (day * 12 * Hour) - 60));
        await using RunningService usage = await PolledService.StartAsync(
            servers, stub, ("Sources__0__AnswerRecordsMax", "3"), ("Polling__WindowSeconds", $"{30 * 24 * Hour}"), ("Polling__From", $"{DateTimeOffset.FromUnixTimeSeconds(Now - (11 * 24 * Hour)):O}"));

        await PolledService.UntilRunsAsync(usage, 20);

        Assert.Contains(stub.Questions, question => question.To - question.From > 10 * 24 * Hour);
        Assert.Equal(20, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE revision = 1"));
    }

    [Fact]
    [Trait("Control", "JOB-01")]
    public async Task A_backfill_killed_again_and_again_goes_on_where_it_was_and_loses_and_doubles_nothing()
    {
        const int Days = 60;
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        foreach (int day in Enumerable.Range(0, Days)) stub.Put(new StubRecord(day + 1, Now - ((day + 2) * 24 * Hour), Now - ((day + 2) * 24 * Hour), Now - ((day + 2) * 24 * Hour) + 60));
        await using RunningService usage = await PolledService.StartAsync(servers, stub, ("Polling__From", $"{DateTimeOffset.FromUnixTimeSeconds(Now):O}"), ("Polling__WindowSeconds", $"{6 * Hour}"));
        using HttpClient admin = usage.Client(TestCaller.Admin());
        string from = $"{DateTimeOffset.FromUnixTimeSeconds(Now - ((Days + 3) * 24 * Hour)):yyyy-MM-dd}";

        admin.DefaultRequestHeaders.Add("Idempotency-Key", "years");
        using HttpResponseMessage accepted = await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from });
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        using HttpResponseMessage again = await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from });
        Guid id = (await accepted.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        Assert.Equal(id, (await again.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>());

        for (int kill = 0; kill < 2; kill++)
        {
            DateTime last = await PositionAsync();
            await Wait.UntilAsync("the back-fill gets further", async () => await PositionAsync() > last.AddDays(3));
            await usage.KillAsync();
            await usage.StartAsync();
        }

        var client = new UsageClient(usage);
        await Wait.UntilAsync("the back-fill ends", async () => (await client.JobAsync(id))["finishedAt"] is not null, seconds: 120);
        JsonObject job = await client.JobAsync(id);
        Assert.Equal(("backfill", "succeeded", (long)Days, 0L), (Text(job, "type"), Text(job, "status"), Number(job, "stored"), Number(job, "quarantined")));
        Assert.Equal(Days, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE revision = 1"));

        Task<DateTime> PositionAsync() => usage.ScalarAsync<DateTime>("SELECT position_at FROM reads WHERE id = @id", new { id });
    }

    [Fact]
    public async Task After_a_long_outage_everything_that_happened_meanwhile_is_caught_up_with()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        await Wait.UntilAsync("it has polled", async () => await usage.ScalarAsync<bool>("SELECT count(*) > 0 FROM clusters WHERE last_success_at IS NOT NULL"));
        stub.Instead = context =>
        {
            context.Response.StatusCode = 502;
            return context.Response.WriteAsync("<html>Bad gateway</html>");
        };
        await PolledService.UntilErrorAsync(usage, "502");

        // As if it had been away for a week and a half.
        await usage.ExecuteAsync("UPDATE clusters SET read_until = now() - interval '10 days'");
        await usage.ExecuteAsync("DELETE FROM jobs");
        foreach (int day in Enumerable.Range(0, 9)) stub.Put(new StubRecord(day + 1, Now - (day * 24 * Hour) - 600, Now - (day * 24 * Hour) - 600, Now - (day * 24 * Hour) - 60));
        stub.Instead = null;

        await PolledService.UntilRunsAsync(usage, 9);
        await Wait.UntilAsync("it is well again", async () => await usage.ScalarAsync<bool>("SELECT failures = 0 AND read_until > now() - interval '1 hour' FROM clusters"));
    }

    [Fact]
    [Trait("Control", "JOB-04")]
    public async Task A_cluster_or_a_backfill_of_another_org_is_none()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        using HttpClient stranger = usage.Client(TestCaller.Admin(Guid.CreateVersion7()));
        using HttpClient user = usage.Client(TestCaller.User("alice"));

        Assert.Equal(HttpStatusCode.NotFound, (await stranger.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = "2024-01-01" })).StatusCode);
        Assert.Empty((await stranger.GetFromJsonAsync<JsonNode>("/api/v1/clusters"))!["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync("/api/v1/clusters")).StatusCode);
        using HttpClient admin = usage.Client(TestCaller.Admin());
        Guid id = (await (await usage.Client(TestCaller.Admin()).PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = "2026-01-01" })).Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.GetAsync($"/api/v1/jobs/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = "yesterday" })).StatusCode);
    }

    private const string Fields = "jobidraw,cluster,partition,qos,account,user,submit,start,end,elapsedraw,state,alloctres";

    private static string Line(string account, long seconds) =>
        $"1|hpc|cpu|normal|{account}|alice|{Now - 600}|{Now - 600}|{Now - 600 + seconds}|{seconds}|COMPLETED|cpu=2\n";

    private static async Task<JsonNode> ClustersAsync(RunningService usage)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        return (await admin.GetFromJsonAsync<JsonNode>("/api/v1/clusters"))!;
    }

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();

    private static long Number(JsonNode node, string name) => node[name]!.GetValue<long>();
}
