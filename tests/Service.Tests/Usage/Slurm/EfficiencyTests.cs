using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>What runs made use of, from the cluster to the list of runs; and that nothing else depends on it.</summary>
[Collection(nameof(Servers))]
public sealed class EfficiencyTests(Servers servers)
{
    private const string FactsSql = """
        SELECT concat_ws('|', job_key, revision, username, account, state, charged_seconds, cpus, memory_mib, batch_id) FROM runs ORDER BY job_key
        """;

    private const string UsedSql = "SELECT concat_ws('|', raw_job_id, coalesce(cpu_used_ms, -1), coalesce(memory_used_bytes, -1)) FROM runs ORDER BY raw_job_id";

    private static readonly long Now = PolledService.Now;

    // Two CPUs and 4 GiB for ten minutes.
    private static readonly StubRecord Run = new(1, Now - 700, Now - 660, Now - 60) { MemoryMib = 4096, Steps = [new(240, 512), new(60, 1024)] };

    [Fact]
    public async Task What_steps_measured_reaches_the_list_of_runs_and_no_amount()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        await using RunningService rating = await servers.StartServiceAsync(
            "Rating", new Dictionary<string, string>(StringComparer.Ordinal) { ["ConnectionStrings__rabbitmq"] = usage.Settings["ConnectionStrings__rabbitmq"] });
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageCorrected), typeof(AuditRecorded));
        using HttpClient alice = rating.Client(TestCaller.User("alice"));
        // Only now: what is said before rating listens is said to nobody.
        stub.Put(Run);
        JsonNode run = await ListedAsync(alice, run => run["cpuEfficiency"] is not null && run["amountMinor"] is not null);
        Assert.Equal((0.25m, 0.25m), (Share(run, "cpuEfficiency"), Share(run, "memoryEfficiency")));
        long amount = run["amountMinor"]!.GetValue<long>();
        Assert.True(amount > 0, run.ToJsonString());

        using HttpResponseMessage issued = await alice.PostAsJsonAsync("/api/v1/receipts", new { });
        issued.EnsureSuccessStatusCode();
        string facts = string.Join('\n', await usage.QueryAsync<string>("SELECT concat_ws('|', job_key, revision, charged_seconds) FROM runs"));

        // A step that was told late, of a run that is billed.
        stub.Put(Run with { Steps = [.. Run.Steps, new(300, 2048)] });
        stub.Put(new StubRecord(2, Now - 50, Now - 40, Now - 30));
        run = await ListedAsync(alice, run => run["cpuEfficiency"] is not null && Share(run, "cpuEfficiency") > 0.25m);
        Assert.Equal((0.5m, 0.5m, amount, "billed"), (Share(run, "cpuEfficiency"), Share(run, "memoryEfficiency"), run["amountMinor"]!.GetValue<long>(), run["status"]!.GetValue<string>()));

        Assert.Equal(facts, (await usage.QueryAsync<string>("SELECT concat_ws('|', job_key, revision, charged_seconds) FROM runs WHERE raw_job_id = 1")).Single());
        Assert.Equal(0, await rating.ScalarAsync<long>("SELECT count(*) FROM superseded_runs"));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM run_versions"));
        Assert.Empty(bus.Heard<UsageCorrected>());
        JsonNode unmeasured = await ListedAsync(alice, run => run["jobId"]!.GetValue<string>() == "2");
        Assert.Equal((null, null), (unmeasured["cpuEfficiency"], unmeasured["memoryEfficiency"]));
    }

    [Theory]
    [InlineData(500, "Internal error")]
    [InlineData(200, "<html>")]
    [InlineData(200, """{"jobs": [{"job_id": 1, "steps": [""")]
    public async Task What_goes_wrong_with_steps_holds_up_no_charge(int status, string body)
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(Run);
        stub.InsteadOfSteps = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(body);
        };
        await using RunningService usage = await PolledService.StartAsync(servers, stub);

        await PolledService.UntilRunsAsync(usage, 1);
        await Wait.UntilAsync("the failure is told", () => Task.FromResult(usage.Log.Contains("their charges are complete", StringComparison.Ordinal)));
        stub.Put(new StubRecord(2, Now - 50, Now - 40, Now - 30));
        await PolledService.UntilRunsAsync(usage, 2);

        Assert.Equal(["1|-1|-1", "2|-1|-1"], await usage.QueryAsync<string>(UsedSql));
        Assert.Equal((0, null), (await usage.ScalarAsync<int>("SELECT failures FROM clusters"), await usage.ScalarAsync<string?>("SELECT last_error FROM clusters")));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM source_states WHERE failures > 0"));
    }

    [Fact]
    public async Task A_source_that_is_not_to_read_steps_is_never_asked_for_them()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(Run);
        await using RunningService usage = await PolledService.StartAsync(servers, stub, ("Sources__0__ReadsSteps", "false"));

        await PolledService.UntilRunsAsync(usage, 1);
        int asked = stub.Questions.Count;
        await Wait.UntilAsync("it is asked again", () => Task.FromResult(stub.Questions.Count > asked));

        Assert.All(stub.Questions, question => Assert.Contains("skip_steps", question.Parameters));
    }

    [Fact]
    public async Task A_log_is_charged_the_same_with_its_steps_and_without_whatever_the_size_of_a_chunk()
    {
        string[] jobs = [.. Enumerable.Range(1, 5).SelectMany(Lines)];
        string plain = "jobidraw,cluster,partition,qos,account,user,submit,start,end,elapsedraw,state,alloctres";
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__ChunkLinesMax", "2"));
        await using RunningService other = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);

        JsonObject measured = await client.ImportAsync(string.Concat(jobs), plain + ",totalcpu,maxrss,ntasks");
        JobAssert.Succeeded(await new UsageClient(other).ImportAsync(string.Concat(jobs.Where(line => !line.Contains('.', StringComparison.Ordinal)).Select(Plain)), plain), ("stored", 5), ("quarantined", 0));

        JobAssert.Succeeded(measured, ("lines", 15), ("runs", 5), ("stored", 5), ("steps", 10), ("quarantined", 0));
        // Behind the last run more of its steps might stand, if the log went on.
        Assert.Equal(["1|3000|102400", "2|6000|204800", "3|9000|307200", "4|12000|409600", "5|-1|-1"], await usage.QueryAsync<string>(UsedSql));
        const string charged = "SELECT concat_ws('|', job_key, revision, username, charged_seconds, cpus, memory_mib) FROM runs ORDER BY job_key";
        Assert.Equal(await other.QueryAsync<string>(charged), await usage.QueryAsync<string>(charged));

        // Once more: all is known, and nothing is told again.
        string before = string.Join('\n', await usage.QueryAsync<string>(FactsSql));
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        JobAssert.Succeeded(await client.ImportAsync(string.Concat(jobs), plain + ",totalcpu,maxrss,ntasks"), ("stored", 0), ("known", 5), ("quarantined", 0));
        Assert.Equal(before, string.Join('\n', await usage.QueryAsync<string>(FactsSql)));

        // The same with one job behind it: of the fifth all is told now, as of a run that was told before.
        JobAssert.Succeeded(await client.ImportAsync(string.Concat([.. jobs, Lines(6)[0]]), plain + ",totalcpu,maxrss,ntasks"), ("stored", 1), ("known", 5), ("quarantined", 0));
        // What the first import told of runs of the chunk before may still be on its way.
        RecordedRun fifth = await Wait.ForAsync("the use is told", () => Task.FromResult(
            bus.Heard<UsageRecorded>().Where(message => message.AddsNoRun).SelectMany(message => message.Runs).FirstOrDefault(run => run.RawJobId == 5)));
        Assert.Equal((5L, 1, 15_000L, 512_000L), (fifth.RawJobId, fifth.Revision, fifth.CpuUsedMilliseconds, fifth.MemoryUsedBytes));
    }

    private static string[] Lines(int job) =>
    [
        $"{job}|hpc|cpu|normal|physics|alice|{Now - 600 + job}|{Now - 600 + job}|{Now - 500 + job}|100|COMPLETED|cpu=2,mem=1G|||\n",
        $"{job}.batch|hpc||||| {Now}|{Now}|{Now}|100|COMPLETED|cpu=2|00:0{job}.000|{job * 100}K|1\n".Replace(" ", "", StringComparison.Ordinal),
        $"{job}.0|hpc||||| {Now}|{Now}|{Now}|100|COMPLETED|cpu=2|00:{job * 2:00}.000|{job * 10}K|2\n".Replace(" ", "", StringComparison.Ordinal),
    ];

    private static string Plain(string line) => string.Join('|', line.Split('|')[..12]) + '\n';

    private static Task<JsonNode> ListedAsync(HttpClient client, Func<JsonNode, bool> isIt) => Wait.ForAsync("the run is listed", async () =>
    {
        JsonNode page = (await client.GetFromJsonAsync<JsonNode>("/api/v1/usage"))!;
        return page["items"]!.AsArray().FirstOrDefault(run => isIt(run!));
    });

    private static decimal Share(JsonNode run, string name) => run[name]!.GetValue<decimal>();
}
