using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage;

[Collection(nameof(Servers))]
public sealed class CrashTests(Servers servers)
{
    private const int Jobs = 20_000;

    [Fact]
    [Trait("Control", "JOB-01")]
    public async Task A_kill_in_the_middle_of_an_import_loses_and_doubles_nothing()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__ChunkLinesMax", "100"), ("Usage__LeaseSeconds", "2"));
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        var client = new UsageClient(usage);
        byte[] log = SacctLog.Bytes(SacctLog.Of(SacctLog.Finished(Jobs).Select((line, i) => i % 100 == 50 ? "rubbish" : line)));
        Guid id = await client.CreateAsync(log.Length);
        (await client.SendAsync(id, log)).EnsureSuccessStatusCode();

        var checkpoints = new List<long>();
        for (int kill = 0; kill < 3; kill++)
        {
            long last = checkpoints.LastOrDefault();
            await Wait.UntilAsync("the import gets further", async () => await ProcessedAsync() > last);
            await usage.KillAsync();
            checkpoints.Add(await ProcessedAsync());
            await usage.StartAsync();
        }

        JsonObject job = await client.EndAsync(id);

        Assert.All(checkpoints, checkpoint => Assert.InRange(checkpoint, 1, log.Length - 1));
        JobAssert.Succeeded(job, ("lines", Jobs), ("stored", Jobs - 200), ("known", 0), ("quarantined", 200));
        Assert.Equal(SacctLog.CpuCoreHours(Enumerable.Range(1, Jobs).Where(number => (number - 1) % 100 != 50)), job["cpuCoreHours"]!.GetValue<decimal>());
        Assert.Equal(Jobs - 200, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));
        Assert.Equal(200, (await client.QuarantineAsync(id)).Select(line => line["line"]!.GetValue<long>()).Distinct().Count());
        await Wait.UntilAsync("every run is told", () =>
            Task.FromResult(bus.Heard<UsageRecorded>().SelectMany(batch => batch.Runs).Select(run => run.JobKey).ToHashSet(StringComparer.Ordinal).Count == Jobs - 200));
        Assert.Empty(Directory.GetFiles(usage.Settings["Usage__SpoolPath"]));

        Task<long> ProcessedAsync() => usage.ScalarAsync<long>("SELECT bytes_processed FROM import_jobs");
    }

    [Fact]
    public async Task Imports_of_the_same_log_at_once_by_two_replicas_store_each_run_once()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__ChunkLinesMax", "100"));
        await using RunningService replica = await servers.PrepareServiceAsync("Usage", usage.Settings.ToDictionary(StringComparer.Ordinal));
        await replica.StartAsync();
        var client = new UsageClient(usage);
        string log = SacctLog.Of(SacctLog.Finished(3000));

        JsonObject[] jobs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.ImportAsync(log)));

        Assert.Equal(3000, jobs.Sum(job => job["stored"]!.GetValue<long>()));
        Assert.Equal(9000, jobs.Sum(job => job["known"]!.GetValue<long>()));
        Assert.Equal(3000, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE revision = 1"));
        Assert.True(await usage.ScalarAsync<long>("SELECT count(DISTINCT import_id) FROM runs") >= 1);
    }

    [Fact]
    public async Task An_upload_that_the_disk_lost_fails_the_import_and_no_other()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        byte[] log = SacctLog.Bytes(SacctLog.Of(SacctLog.Finished(10)));
        Guid id = await client.CreateAsync(log.Length);
        await client.SendAsync(id, log[..50]);
        File.Delete(Directory.GetFiles(usage.Settings["Usage__SpoolPath"]).Single());

        // What the disk has lost is asked for again …
        using HttpResponseMessage again = await client.SendAsync(id, log[50..], 50);
        Assert.Equal("0", again.Headers.GetValues("Upload-Offset").Single());
        await client.SendAsync(id, log);
        JobAssert.Succeeded(await client.EndAsync(id), ("stored", 10));

        // … and what it lost afterwards is said.
        await usage.ExecuteAsync("UPDATE jobs SET status = 'queued', stage = 'waiting', finished_at = NULL WHERE id = @id", new { id });
        await Wait.UntilAsync("the import fails", async () => (await client.JobAsync(id))["errorCode"]?.GetValue<string>() == "content_lost");
    }

    [Fact]
    public async Task What_a_crash_or_a_client_left_behind_is_tidied()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        Guid abandoned = await client.CreateAsync(10);
        Guid open = await client.CreateAsync(10);
        foreach (Guid id in new[] { abandoned, open }) (await client.SendAsync(id, [1, 2, 3])).EnsureSuccessStatusCode();
        await usage.KillAsync();
        await File.WriteAllTextAsync(Path.Combine(usage.Settings["Usage__SpoolPath"], $"{Guid.CreateVersion7()}"), "of an import that ended just before the crash");
        await usage.ExecuteAsync("UPDATE jobs SET created_at = created_at - interval '8 days' WHERE id = @abandoned", new { abandoned });

        await usage.StartAsync();

        JsonObject job = await client.EndAsync(abandoned);
        Assert.Equal(("failed", "upload_abandoned"), (job["status"]!.GetValue<string>(), job["errorCode"]!.GetValue<string>()));
        await Wait.UntilAsync("one file is left", () =>
            Task.FromResult(Directory.GetFiles(usage.Settings["Usage__SpoolPath"]).Select(Path.GetFileName).SequenceEqual([open.ToString()])));
        (await client.SendAsync(open, [4], 3)).EnsureSuccessStatusCode();
    }
}
