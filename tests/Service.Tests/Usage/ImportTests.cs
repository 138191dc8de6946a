using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;

namespace HpcBilling.Service.Tests.Usage;

[Collection(nameof(Servers))]
public sealed class ImportTests(Servers servers)
{
    [Fact]
    public async Task A_federated_job_and_a_number_that_comes_again_are_runs_of_their_own_and_a_sibling_that_did_not_run_is_charged_nothing()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        // The federation gives all siblings one number; the cluster that was quicker ran it. Years later a number comes again.
        string ran = SacctLog.Ended(7);
        string revoked = "7|7|spare|gpu|normal|physics|user0|2026-01-01T00:00:07|Unknown|2026-01-01T00:00:12|00:00:00|REVOKED||name of 7";
        string again = ran.Replace("2026-01-01", "2028-01-01", StringComparison.Ordinal);
        await new UsageClient(usage).ImportAsync(SacctLog.Of([revoked, ran, again]));

        Assert.Equal(
            [$"hpc COMPLETED {SacctLog.Seconds(7)} {SacctLog.Cpus(7)}", $"hpc COMPLETED {SacctLog.Seconds(7)} {SacctLog.Cpus(7)}", "spare REVOKED 0 0"],
            await usage.QueryAsync<string>("SELECT concat_ws(' ', cluster, state, charged_seconds, cpus) FROM runs WHERE raw_job_id = 7 ORDER BY 1"));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM quarantine"));
    }

    [Fact]
    public async Task A_log_is_stored_once_and_told_in_batches_however_often_it_is_imported()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        var client = new UsageClient(usage);
        string log = SacctLog.Of(SacctLog.Finished(1203));

        JsonObject first = await client.ImportAsync(log);
        JsonObject second = await client.ImportAsync(log);

        JobAssert.Succeeded(first, ("lines", 1203), ("runs", 1203), ("stored", 1203), ("known", 0), ("quarantined", 0));
        JobAssert.Succeeded(second, ("lines", 1203), ("runs", 1203), ("stored", 0), ("known", 1203), ("quarantined", 0));
        Assert.Equal(SacctLog.CpuCoreHours(Enumerable.Range(1, 1203)), first["cpuCoreHours"]!.GetValue<decimal>());
        Assert.Equal(first["cpuCoreHours"]!.ToJsonString(), second["cpuCoreHours"]!.ToJsonString());
        Assert.Equal(first["gpuHours"]!.ToJsonString(), second["gpuHours"]!.ToJsonString());

        await Wait.UntilAsync("every run is told", () => Task.FromResult(bus.Heard<UsageRecorded>().Sum(batch => batch.Runs.Count) == 1203));
        Assert.All(bus.Heard<UsageRecorded>(), batch => Assert.InRange(batch.Runs.Count, 1, UsageRecorded.RunsMax));
        Assert.Equal(1203, bus.Heard<UsageRecorded>().SelectMany(batch => batch.Runs).DistinctBy(run => run.JobKey).Count());
        await Wait.UntilAsync("the acts are told", () => Task.FromResult(bus.Heard<AuditRecorded>().Count == 4));
        Assert.Equal(
            ["import.created", "import.created", "import.succeeded", "import.succeeded"], bus.Heard<AuditRecorded>().Select(act => act.Action).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_is_told_of_a_run_is_what_the_log_says()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));

        JsonObject job = await new UsageClient(usage).ImportAsync(SacctLog.Of([SacctLog.Ended(5)]));

        var batch = await Wait.ForAsync("the run is told", () => Task.FromResult(bus.Heard<UsageRecorded>().SingleOrDefault()));
        RecordedRun run = Assert.Single(batch.Runs);
        Assert.Equal(job["id"]!.GetValue<Guid>(), batch.ImportId);
        Assert.Equal(1, await usage.ScalarAsync<long>("SELECT count(DISTINCT split_part(trace_parent, '-', 2)) FROM outbox WHERE org_id = @org", new { org = Orgs.Default }));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE trace_parent IS NULL"));
        Assert.Equal("hpc/5/1767225605/1767225610", run.JobKey);
        Assert.Equal((1, "hpc", "5", 5L, "user5", "physics", "gpu", "normal"), (run.Revision, run.Cluster, run.JobId, run.RawJobId, run.Username, run.Account, run.Partition, run.Qos));
        Assert.Equal(("COMPLETED", 15L, run.StartedAt!.Value.AddSeconds(15)), (run.State, run.ChargedSeconds, run.EndedAt));
        Assert.Equal((6L, 6144L, 1L, 2L, 6L, 2L), (run.Tres.Cpus, run.Tres.MemoryMib, run.Tres.Nodes, run.Tres.Gpus, run.Tres.Billing, run.Tres.GpusByType["a100"]));
    }

    [Fact]
    [Trait("Control", "USE-03")]
    public async Task Malformed_lines_are_kept_with_their_number_and_reason_and_stop_nothing()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        string good = SacctLog.Ended(1);
        string[] lines =
        [
            good, "rubbish", good.Replace("|COMPLETED|", "|done|", StringComparison.Ordinal), SacctLog.Ended(2), "1.batch|1.batch" + good[3..],
            new string('x', 100_000), SacctLog.Ended(3),
        ];
        byte[] log = [.. SacctLog.Bytes(SacctLog.Of(lines)), .. "one|two\n"u8, 0xFF, (byte)'\n', .. SacctLog.Bytes(SacctLog.Ended(4))];

        JsonObject job = await client.ImportAsync(log);
        IReadOnlyList<JsonObject> kept = await client.QuarantineAsync(job["id"]!.GetValue<Guid>());

        JobAssert.Succeeded(job, ("lines", 10), ("runs", 3), ("stored", 3), ("steps", 1), ("quarantined", 6));
        Assert.Equal(
            [(3L, "wrong_field_count"), (4, "bad_field"), (7, "line_too_long"), (9, "wrong_field_count"), (10, "not_utf8"), (11, "truncated")],
            kept.Select(line => (line["line"]!.GetValue<long>(), line["code"]!.GetValue<string>())));
        Assert.Equal("State", kept[1]["field"]!.GetValue<string>());
        Assert.DoesNotContain("name of", string.Concat(kept.Select(line => line["text"]!.GetValue<string>())), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("JobID|State\n1|COMPLETED\n", "wrong_header", "Required fields are missing: JobIDRaw")]
    [InlineData("hello world\n", "wrong_header", "found 'hello world'")]
    [InlineData("JobIDRaw\0|User\n", "binary_file", "NUL")]
    [InlineData("\uFFFE utf-16", "wrong_encoding", "UTF-16")]
    [InlineData("JobIDRaw|Partition|QOS|Account|User|Submit|Start|End|Elapsed|State|AllocTRES\n", "wrong_header", "Cluster")]
    public async Task A_file_that_is_no_log_fails_with_what_was_expected_and_found(string file, string code, string words)
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        byte[] bytes = code == "wrong_encoding" ? System.Text.Encoding.Unicode.GetPreamble() : SacctLog.Bytes(file);

        JsonObject job = await new UsageClient(usage).ImportAsync(bytes);

        Assert.Equal(("failed", code), (job["status"]!.GetValue<string>(), job["errorCode"]!.GetValue<string>()));
        Assert.Contains(words, job["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));
        Assert.Empty(Directory.GetFiles(usage.Settings["Usage__SpoolPath"]));
    }

    [Fact]
    public async Task A_log_without_header_or_cluster_is_read_by_the_fields_and_the_cluster_of_the_request()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        const string xdmod = "163485|163485|phillips|p|q|a|g|1|u|1|2016-12-22T07:15:12|x|2016-12-22T07:15:13|2017-01-01T20:42:19|10-13:27:06|0:0|CANCELLED by 1|1|12|12|n|n|billing=12,cpu=12,gres/gpu=2,mem=31000M,node=1|t|n|name\n";
        const string bare = "7|cpu|normal|physics|alice|1767225600|1767225600|1767229200|3600|COMPLETED|cpu=1,node=1\n";

        JsonObject first = await new UsageClient(usage).ImportAsync(xdmod, fields: "xdmod");
        JsonObject second = await new UsageClient(usage).ImportAsync(
            bare, fields: "jobidraw,partition,qos,account,user,submit,start,end,elapsedraw,state,alloctres", cluster: "Hpc");

        Assert.Equal("3041.4200", first["cpuCoreHours"]!.ToJsonString());
        Assert.Equal("506.9033", first["gpuHours"]!.ToJsonString());
        Assert.Equal("1.0000", second["cpuCoreHours"]!.ToJsonString());
        Assert.Equal(
            ["hpc/7/1767225600/1767225600", "phillips/163485/1482390912/1482390913"], await usage.QueryAsync<string>("SELECT job_key FROM runs ORDER BY 1"));
    }
}
