using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage;

[Collection(nameof(Servers))]
public sealed class RunKnowledgeTests(Servers servers)
{
    private const string StateSql = """
        SELECT concat_ws(' ', job_key, username, state, ended_at, charged_seconds, cpus, memory_mib, gpus, gpus_by_type) FROM runs ORDER BY job_key
        """;

    [Fact]
    public async Task A_running_job_that_ended_is_updated_and_told_again()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        var client = new UsageClient(usage);

        JobAssert.Succeeded(await client.ImportAsync(SacctLog.Of([SacctLog.Running(1, 3), SacctLog.Ended(2)])), ("stored", 2));
        JobAssert.Succeeded(await client.ImportAsync(SacctLog.Of([SacctLog.Running(1, 5), SacctLog.Ended(2)])), ("stored", 0), ("updated", 1), ("known", 1));
        JobAssert.Succeeded(await client.ImportAsync(SacctLog.Of([SacctLog.Ended(1), SacctLog.Ended(2)])), ("updated", 1), ("known", 1));
        JobAssert.Succeeded(await client.ImportAsync(SacctLog.Of([SacctLog.Running(1, 5)])), ("updated", 0), ("known", 1), ("quarantined", 0));

        await Wait.UntilAsync("the end is told", () => Task.FromResult(Told(bus, 1).Any(run => run.Revision == 3)));
        RecordedRun last = Told(bus, 1).MaxBy(run => run.Revision)!;
        Assert.Equal(("COMPLETED", (long)SacctLog.Seconds(1)), (last.State, last.ChargedSeconds));
        Assert.NotNull(last.EndedAt);
    }

    [Fact]
    public async Task An_ended_run_with_other_facts_goes_to_quarantine_and_changes_nothing()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        await client.ImportAsync(SacctLog.Of([SacctLog.Ended(1)]));
        IReadOnlyList<string> before = await usage.QueryAsync<string>(StateSql);

        JsonObject job = await client.ImportAsync(SacctLog.Of([SacctLog.Ended(2), SacctLog.Ended(1).Replace("|user1|", "|mallory|", StringComparison.Ordinal)]));

        JobAssert.Succeeded(job, ("runs", 1), ("stored", 1), ("quarantined", 1));
        Assert.Equal(SacctLog.CpuCoreHours([2]), job["cpuCoreHours"]!.GetValue<decimal>());
        JsonObject kept = Assert.Single(await client.QuarantineAsync(job["id"]!.GetValue<Guid>()));
        Assert.Equal((3L, "changed_after_final"), (kept["line"]!.GetValue<long>(), kept["code"]!.GetValue<string>()));
        Assert.Contains("|mallory|", kept["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.DoesNotContain("name of", kept["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(before, (await usage.QueryAsync<string>(StateSql)).Take(1));
    }

    [Fact]
    public async Task Lines_about_one_run_in_one_log_make_one_run()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        string[] lines = [SacctLog.Running(1, 2), SacctLog.Ended(1), SacctLog.Running(1, 4), SacctLog.Ended(2), SacctLog.Ended(2), SacctLog.Ended(1)];

        JsonObject job = await new UsageClient(usage).ImportAsync(SacctLog.Of(lines));

        JobAssert.Succeeded(job, ("runs", 6), ("stored", 2), ("updated", 0), ("known", 4), ("quarantined", 0));
        await Wait.UntilAsync("both runs are told", () => Task.FromResult(bus.Heard<UsageRecorded>().SelectMany(batch => batch.Runs).Count() == 2));
        Assert.Equal(("COMPLETED", (long)SacctLog.Seconds(1)), (Told(bus, 1).Single().State, Told(bus, 1).Single().ChargedSeconds));
    }

    [Fact]
    public async Task A_batch_that_lost_its_runs_to_a_later_one_says_nothing_and_no_run_is_lost()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        var client = new UsageClient(usage);
        await client.ImportAsync(SacctLog.Of([SacctLog.Running(1, 2)]));
        await client.ImportAsync(SacctLog.Of([SacctLog.Ended(1), SacctLog.Ended(2)]));
        await Wait.UntilAsync("both batches are told", () => Task.FromResult(bus.Heard<UsageRecorded>().Count == 2));
        Guid first = bus.Heard<UsageRecorded>()[0].BatchId;

        // As if the relay had died before it could mark what it told: by now the first batch is empty.
        await usage.KillAsync();
        await usage.ExecuteAsync("UPDATE outbox SET sent_at = NULL WHERE kind = 'UsageRecorded'");
        await usage.StartAsync();

        await Wait.UntilAsync("the second batch is told again", () => Task.FromResult(bus.Heard<UsageRecorded>().Count == 3));
        await Wait.UntilAsync("all is marked", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0);
        Assert.Single(bus.Heard<UsageRecorded>(), batch => batch.BatchId == first);
        Assert.Equal([1, 2], bus.Heard<UsageRecorded>()[^1].Runs.Select(run => (int)run.RawJobId).Order());
        Assert.Equal(2, Told(bus, 1)[^1].Revision);
    }

    [Fact]
    public async Task Any_split_order_and_repetition_of_a_log_ends_in_the_same_state()
    {
        string[] lines = [.. Enumerable.Range(1, 40).SelectMany(Looks)];
        IReadOnlyList<string>? expected = null;
        foreach (int seed in Enumerable.Range(1, 6))
        {
            await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__ChunkLinesMax", $"{1 + (seed * 7)}"));
            var random = new Random(seed);
            string[] shuffled = [.. lines, .. lines.Where(_ => random.Next(3) == 0)];
            random.Shuffle(shuffled);
            foreach (string[] file in shuffled.Chunk(1 + random.Next(60))) await new UsageClient(usage).ImportAsync(SacctLog.Of(file));

            IReadOnlyList<string> state = await usage.QueryAsync<string>(StateSql);
            Assert.Equal(40, state.Count);
            Assert.Equal(expected ??= state, state);
            Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM quarantine"));
        }
    }

    private static IEnumerable<string> Looks(int job)
    {
        yield return SacctLog.Running(job, 0);
        yield return SacctLog.Running(job, 3);
        yield return SacctLog.Running(job, 3).Replace("RUNNING", "SUSPENDED", StringComparison.Ordinal);
        if (job % 4 != 0) yield return SacctLog.Ended(job);
    }

    private static IReadOnlyList<RecordedRun> Told(BusProbe bus, long job) =>
        [.. bus.Heard<UsageRecorded>().SelectMany(batch => batch.Runs).Where(run => run.RawJobId == job)];
}
