using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.Service.Tests.Usage.Slurm;

namespace HpcBilling.Service.Tests.Usage;

[Collection(nameof(Servers))]
public sealed class QuarantineTests(Servers servers)
{
    private const string Path = "/api/v1/quarantine";
    private const string AuditSql = "SELECT body->'details' #>> '{}' FROM outbox WHERE body->>'action' = @Action AND body->>'subject' = @Subject ORDER BY id";

    private static readonly long Now = PolledService.Now;

    [Fact]
    [Trait("Control", "USE-03")]
    public async Task A_line_that_can_be_read_after_a_fix_is_stored_and_told_as_its_import_would_have()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded));
        JsonObject job = await new UsageClient(usage).ImportAsync(SacctLog.Of([SacctLog.Ended(1), Odd(2), "rubbish"]));
        JsonObject[] kept = await ListAsync(usage, "?state=open&cluster=hpc");
        JsonObject odd = Assert.Single(kept);
        Assert.Equal((3L, "bad_field", "State", true), (odd["line"]!.GetValue<long>(), Text(odd, "code"), Text(odd, "field"), odd["retryable"]!.GetValue<bool>()));

        JsonObject still = await OkAsync(usage, $"{Path}/{odd["id"]}/retry");
        await FixAsync(usage);
        JsonObject stored = await OkAsync(usage, $"{Path}/{odd["id"]}/retry");

        Assert.Equal(("refused", "open", 1), (Text(still, "outcome"), Text(still["record"]!, "state"), still["record"]!["tries"]!.GetValue<int>()));
        Assert.Equal(("stored", "retried", "admin"), (Text(stored, "outcome"), Text(stored["record"]!, "state"), Text(stored["record"]!, "resolvedBy")));
        Assert.Equal("hpc/2/1767225602/1767225607", Text(stored["record"]!, "jobKey"));
        Assert.Equal(
            [(1L, 11L, 2L, 1L), (2L, 12L, 3L, 2L)], await usage.QueryAsync<(long, long, long, long)>("SELECT raw_job_id, charged_seconds, cpus, gpus FROM runs ORDER BY 1"));
        UsageRecorded told = await Wait.ForAsync("the run is told", () => Task.FromResult(bus.Heard<UsageRecorded>().SingleOrDefault(batch => batch.Runs[0].RawJobId == 2)));
        Assert.Equal(job["id"]!.GetValue<Guid>(), told.ImportId);

        Assert.Equal(HttpStatusCode.Conflict, await PostAsync(usage, $"{Path}/{odd["id"]}/retry"));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync(usage, $"{Path}/{odd["id"]}/dismiss", new { reason = "late" }));
        IReadOnlyList<string> acts = await usage.QueryAsync<string>(AuditSql, new { Action = "quarantine.retried", Subject = $"quarantine:{odd["id"]}" });
        Assert.Equal(["1", "0"], acts.Select(act => Text(JsonNode.Parse(act)!, "refused")));
    }

    [Fact]
    public async Task What_still_cannot_be_read_stays_with_the_reason_of_today_and_a_part_of_a_line_is_never_believed()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        byte[] log = [.. SacctLog.Bytes(SacctLog.Of([Odd(2), "rubbish"])), .. SacctLog.Bytes(SacctLog.Ended(4))];
        JsonObject job = await new UsageClient(usage).ImportAsync(log);
        await usage.ExecuteAsync("UPDATE quarantine SET text = replace(replace(text, '|done|', '|COMPLETED|'), '|user2|', '||')");

        JsonObject retried = await OkAsync(usage, $"{Path}/retry", new { importId = job["id"] });
        JsonObject[] kept = await ListAsync(usage, $"?import={job["id"]}");

        Assert.Equal((0, 0, 1), Counts(retried));
        Assert.Equal(["truncated", "wrong_field_count", "bad_field"], kept.OrderByDescending(line => line["line"]!.GetValue<long>()).Select(line => Text(line, "code")));
        Assert.All(kept, line => Assert.Equal("open", Text(line, "state")));
        JsonObject odd = kept.Single(line => Text(line, "code") == "bad_field");
        Assert.Equal("User is empty: nobody could be charged.", Text(odd, "reason"));
        foreach (JsonObject part in kept.Where(line => line != odd))
        {
            Assert.False(part["retryable"]!.GetValue<bool>());
            Assert.Equal(HttpStatusCode.Conflict, await PostAsync(usage, $"{Path}/{part["id"]}/retry"));
        }

        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));
    }

    [Fact]
    public async Task What_is_dismissed_says_who_and_why_and_is_decided_once()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await new UsageClient(usage).ImportAsync(SacctLog.Of([SacctLog.Ended(1), Odd(2), Odd(3), "rubbish"]));
        JsonObject first = (await ListAsync(usage, "?code=bad_field"))[0];
        string path = $"{Path}/{first["id"]}/dismiss";

        foreach (string? reason in new[] { null, " ", new string('x', 501), "two\nlines" })
            Assert.Equal(HttpStatusCode.UnprocessableEntity, await PostAsync(usage, path, new { reason }));
        JsonObject dismissed = await OkAsync(usage, path, new { reason = " a test of the operators " });

        Assert.Equal(("dismissed", "a test of the operators", "admin"), (Text(dismissed, "state"), Text(dismissed, "dismissedBecause"), Text(dismissed, "resolvedBy")));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync(usage, path, new { reason = "again" }));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync(usage, $"{Path}/{first["id"]}/retry"));
        Assert.Equal((0, 0, 1), Counts(await OkAsync(usage, $"{Path}/retry", new { cluster = "hpc" })));
        Assert.Contains("a test of the operators", Assert.Single(await usage.QueryAsync<string>(AuditSql, new { Action = "quarantine.dismissed", Subject = $"quarantine:{first["id"]}" })), StringComparison.Ordinal);

        JsonObject counts = await GetAsync(usage, Path + "/counts");
        Assert.Equal(2, counts["open"]!.GetValue<long>());
        Assert.Equal(
            [("hpc", "bad_field", "dismissed", 1L), ("hpc", "bad_field", "open", 1), ("", "wrong_field_count", "open", 1)],
            counts["items"]!.AsArray().Select(count => (count!["cluster"]?.GetValue<string>() ?? "", Text(count, "code"), Text(count, "state"), count["records"]!.GetValue<long>())));
        Assert.Equal(["dismissed"], (await ListAsync(usage, "?state=dismissed")).Select(record => Text(record, "state")));
    }

    [Fact]
    public async Task A_live_record_that_was_dismissed_stays_so_and_one_that_can_be_read_becomes_the_run_that_a_poll_would_make_of_it()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        foreach (int id in (int[])[1, 2])
        {
            JsonObject record = new StubRecord(id, Now - 600, Now - 600, Now - 60) { State = "done" }.ToJson();
            record["name"] = "secret";
            record["user"] = "al  ice";
            stub.Put($"odd {id}", record.ToJsonString());
        }

        await Wait.UntilAsync("both are kept", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM quarantine") == 2);
        JsonObject[] kept = await ListAsync(usage, "?source=slurmrestd&state=open");
        JsonObject first = kept.Single(record => Text(record, "text").Contains("\"job_id\":1,", StringComparison.Ordinal));
        JsonObject second = kept.Single(record => record != first);
        await OkAsync(usage, $"{Path}/{first["id"]}/dismiss", new { reason = "nobody's" });
        long times = await TimesAsync(first);
        await Wait.UntilAsync("it has come again", async () => await TimesAsync(first) > times);
        Assert.Equal(["dismissed"], (await ListAsync(usage, "?cluster=hpc&state=dismissed")).Select(record => Text(record, "state")));

        await usage.ExecuteAsync("UPDATE quarantine SET text = replace(text, '\"done\"', '\"COMPLETED\"') WHERE state = 'open'");
        JsonObject retried = await OkAsync(usage, $"{Path}/{second["id"]}/retry");
        stub.Put(new StubRecord(3, Now - 600, Now - 600, Now - 60));
        await PolledService.UntilRunsAsync(usage, 2);

        Assert.Equal("stored", Text(retried, "outcome"));
        Assert.Equal([(2L, "al  ice", "v0.0.46"), (3L, "alice", "v0.0.46")], await usage.QueryAsync<(long, string, string)>(
            "SELECT raw_job_id, username, (SELECT max(layout) FROM quarantine) FROM runs ORDER BY 1"));
        Assert.Equal(1, await usage.ScalarAsync<long>("SELECT count(DISTINCT (charged_seconds, cpus, account, partition, qos, state, ended_at)) FROM runs"));

        async Task<long> TimesAsync(JsonObject record) => await usage.ScalarAsync<long>("SELECT times FROM quarantine WHERE id = @Id", new { Id = record["id"]!.GetValue<Guid>() });
    }

    [Fact]
    public async Task Many_are_read_again_some_at_a_time_while_their_runs_are_imported_and_none_is_stored_twice()
    {
        const int Lines = 620;
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__ChunkLinesMax", "50"));
        var client = new UsageClient(usage);
        await client.ImportAsync(SacctLog.Of(Enumerable.Range(1, Lines).Select(Odd)));
        await FixAsync(usage);

        Task<JsonObject> import = client.ImportAsync(SacctLog.Of(SacctLog.Finished(Lines)));
        JsonObject first = await OkAsync(usage, $"{Path}/retry", new { cluster = "hpc", code = "bad_field" });
        JsonObject second = await OkAsync(usage, $"{Path}/retry", new { cluster = "hpc", code = "bad_field", cursor = Text(first, "nextCursor") });
        JsonObject job = await import;
        JsonObject nothing = await OkAsync(usage, $"{Path}/retry", new { });

        Assert.Null(second["nextCursor"]);
        (int stored, int known, int refused) = (Counts(first).Stored + Counts(second).Stored, Counts(first).Known + Counts(second).Known, Counts(first).Refused + Counts(second).Refused);
        Assert.Equal((Lines, 0), (stored + known, refused));
        Assert.Equal(500, Counts(first).Stored + Counts(first).Known);
        Assert.Equal(Lines, stored + job["stored"]!.GetValue<long>());
        Assert.Equal((0, 0, 0), Counts(nothing));
        Assert.Equal(Lines, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE revision = 1"));
        Assert.Equal(Lines, await usage.ScalarAsync<long>("SELECT count(*) FROM quarantine q JOIN runs r USING (org_id, job_key) WHERE q.state = 'retried'"));
    }

    [Fact]
    public async Task The_quarantine_is_the_orgs_own_and_not_for_its_users()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await new UsageClient(usage).ImportAsync(SacctLog.Of([Odd(2)]));
        Guid id = (await ListAsync(usage, ""))[0]["id"]!.GetValue<Guid>();
        using HttpClient user = usage.Client(TestCaller.User("alice"));
        using HttpClient stranger = usage.Client(TestCaller.Admin(Guid.CreateVersion7()));

        foreach (string path in (string[])["", "/counts"]) Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync(Path + path)).StatusCode);
        foreach (string path in (string[])["/retry", $"/{id}/retry", $"/{id}/dismiss"])
            Assert.Equal(HttpStatusCode.Forbidden, (await user.PostAsJsonAsync(Path + path, new { reason = "mine" })).StatusCode);
        Assert.Empty((await stranger.GetFromJsonAsync<JsonObject>(Path))!["items"]!.AsArray());
        Assert.Equal(0, (await stranger.GetFromJsonAsync<JsonObject>(Path + "/counts"))!["open"]!.GetValue<long>());
        foreach (string path in (string[])[$"/{id}/retry", $"/{id}/dismiss"])
            Assert.Equal(HttpStatusCode.Forbidden, (await stranger.PostAsJsonAsync(Path + path, new { reason = "mine" })).StatusCode);
        Assert.Equal(["open"], (await ListAsync(usage, "")).Select(record => Text(record, "state")));
    }

    [Fact]
    public async Task The_list_goes_on_page_by_page_newest_first_and_refuses_what_it_does_not_know()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await new UsageClient(usage).ImportAsync(SacctLog.Of(Enumerable.Range(1, 150).Select(Odd)));
        JsonObject page = await GetAsync(usage, Path);
        JsonObject rest = await GetAsync(usage, $"{Path}?cursor={Text(page, "nextCursor")}");

        Assert.Equal((100, 50), (page["items"]!.AsArray().Count, rest["items"]!.AsArray().Count));
        Assert.Null(rest["nextCursor"]);
        Assert.Equal(150, page["items"]!.AsArray().Concat(rest["items"]!.AsArray()).Select(item => Text(item!, "id")).Distinct().Count());
        using HttpClient admin = usage.Client(TestCaller.Admin());
        foreach (string query in (string[])["?state=closed", "?cursor=abc"]) Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.GetAsync(Path + query)).StatusCode);
    }

    [Fact]
    public async Task What_was_kept_before_there_were_states_is_still_there_and_open()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        Guid bare = await client.CreateAsync(9);
        Guid named = await client.CreateAsync(9, fields: "jobidraw,partition%20, qos,account,user,submit,start,end,elapsedraw,state,alloctres", cluster: "Hpc");
        string[] old = [.. new[] { "0001_usage", "0004_slurm_sources" }.Select(name => Regex.Match(Script(name), @"CREATE TABLE \w+_quarantine \(.*?\n\);", RegexOptions.Singleline).Value)];
        // As the role that migrates, which row-level security binds.
        string owner = $"SET ROLE \"{await usage.ScalarAsync<string>("SELECT tableowner FROM pg_tables WHERE tablename = 'runs'")}\";";
        await usage.ExecuteAsync(owner + "DROP TABLE quarantine; DROP INDEX reads_unfinished;" + string.Concat(old) + "RESET ROLE");
        await usage.ExecuteAsync(
            """
            INSERT INTO import_quarantine SELECT org_id, id, 3, 'bad_field', 'State', 'State is odd.', '7|cpu|normal|physics|alice|1767225600|1767225600|1767229200|3600|COMPLETED|cpu=1,node=1'
            FROM import_jobs;
            INSERT INTO read_quarantine SELECT org_id, 'hpc', repeat(digest, 64), id, 'slurmrestd', code, NULL, code, '{"job_id":1}', 5, now(), now()
            FROM import_jobs CROSS JOIN (VALUES ('a', 'bad_field'), ('b', 'contradiction')) AS two (digest, code) WHERE id = @Bare
            """,
            new { Bare = bare });

        await usage.ExecuteAsync(owner + Script("0006_quarantine") + "RESET ROLE");
        JsonObject[] kept = await ListAsync(usage, "?state=open");

        Assert.Equal(4, kept.Length);
        Assert.Equal([5L, 5L], kept.Where(record => record["importId"] is null).Select(record => record["times"]!.GetValue<long>()));
        Assert.False(kept.Single(record => Text(record, "importId") == bare.ToString())["retryable"]!.GetValue<bool>());
        JsonObject line = kept.Single(record => Text(record, "importId") == named.ToString());
        Assert.Equal("stored", Text(await OkAsync(usage, $"{Path}/{line["id"]}/retry"), "outcome"));
        Assert.Equal(["hpc/7/1767225600/1767225600"], await usage.QueryAsync<string>("SELECT job_key FROM runs"));
        Assert.True(Math.Abs((line["firstSeenAt"]!.GetValue<DateTimeOffset>() - TimeProvider.System.GetUtcNow()).TotalHours) < 1);
    }

    [Fact]
    public async Task How_much_is_open_in_each_cluster_is_measured()
    {
        await using MetricsCollector collector = await MetricsCollector.StartAsync();
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, collector.Settings);
        await new UsageClient(usage).ImportAsync(SacctLog.Of([Odd(2)]).Replace("|hpc|", "|measured|", StringComparison.Ordinal));

        // Without an open record there is nothing to measure, and no such metric.
        await collector.UntilAsync("hpcbilling.usage.quarantine.open", "measured");
    }

    private static string Script(string name) => File.ReadAllText(System.IO.Path.Combine(Repository.Root, "services", "Usage", "Database", name + ".sql"));

    private static string Odd(int job) => SacctLog.Ended(job).Replace("|COMPLETED|", "|done|", StringComparison.Ordinal);

    /// <summary>In place of a parser that has learnt to read it: the text says what the parser knows.</summary>
    private static Task FixAsync(RunningService usage) => usage.ExecuteAsync("UPDATE quarantine SET text = replace(text, '|done|', '|COMPLETED|')");

    private static string Text(JsonNode node, string name) => node[name]?.ToString() ?? "";

    private static (int Stored, int Known, int Refused) Counts(JsonObject retried) =>
        (retried["stored"]!.GetValue<int>(), retried["known"]!.GetValue<int>(), retried["refused"]!.GetValue<int>());

    private static async Task<JsonObject> GetAsync(RunningService usage, string path)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        return (await admin.GetFromJsonAsync<JsonObject>(path))!;
    }

    private static async Task<JsonObject[]> ListAsync(RunningService usage, string query) =>
        [.. (await GetAsync(usage, Path + query))["items"]!.AsArray().Select(item => item!.AsObject())];

    private static async Task<HttpStatusCode> PostAsync(RunningService usage, string path, object? body = null)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        using HttpResponseMessage response = await admin.PostAsJsonAsync(path, body ?? new { });
        return response.StatusCode;
    }

    private static async Task<JsonObject> OkAsync(RunningService usage, string path, object? body = null)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        using HttpResponseMessage response = await admin.PostAsJsonAsync(path, body ?? new { });
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
