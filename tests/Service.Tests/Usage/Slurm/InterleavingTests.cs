using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>A cluster that is polled while its logs are imported as well: whatever comes first, the state at the end is the same.</summary>
[Collection(nameof(Servers))]
public sealed class InterleavingTests(Servers servers)
{
    private const int Jobs = 30;
    private const string Fields = "jobidraw,cluster,partition,qos,account,user,submit,start,end,elapsedraw,state,alloctres";

    private const string StateSql = """
        SELECT concat_ws('|', job_key, username, account, partition, qos, state, extract(epoch FROM started_at), extract(epoch FROM ended_at), charged_seconds, cpus, memory_mib, nodes, gpus)
        FROM runs ORDER BY job_key
        """;

    private static readonly long Begin = PolledService.Now - 3000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_interleaving_of_polls_and_files_ends_in_the_same_state(int seed)
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await PolledService.StartAsync(servers, stub);
        var client = new UsageClient(usage);
        var random = new Random(seed);
        int[] at = new int[Jobs];
        for (int step = 0; step < 12; step++)
        {
            // The cluster goes on for some of its jobs; what a file tells is any moment until now, in any order and more than once.
            foreach (int job in Some()) Put(job, at[job] = Math.Min(2, at[job] + 1));
            string[] lines = [.. Some().Concat(Some()).Select(job => Line(job, random.Next(at[job] + 1)))];
            if (lines.Length > 0) await client.ImportAsync(string.Concat(lines), Fields);
            if (random.Next(3) == 0) await PolledAsync();
        }

        foreach (int job in Enumerable.Range(0, Jobs)) Put(job, 2);
        await PolledAsync();
        await client.ImportAsync(string.Concat(Enumerable.Range(0, Jobs).Select(job => Line(job, random.Next(3)))), Fields);

        Assert.Equal(Enumerable.Range(0, Jobs).Select(Final).Order(StringComparer.Ordinal), (await usage.QueryAsync<string>(StateSql)).Order(StringComparer.Ordinal));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT coalesce(sum(quarantined), 0)::bigint FROM import_jobs"));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM run_versions"));

        IEnumerable<int> Some() => [.. Enumerable.Range(0, Jobs).Where(_ => random.Next(3) == 0)];

        void Put(int job, int look) => stub.Put(new StubRecord(job + 1, Submit(job), look == 0 ? 0 : Start(job), look == 2 ? End(job) : 0));

        // Twice: the first may have been asked before the last record was there.
        Task PolledAsync()
        {
            int asked = stub.Questions.Count;
            return Wait.UntilAsync("it has polled again, and stored it", async () =>
                stub.Questions.Count >= asked + 3 && await usage.ScalarAsync<bool>("SELECT count(*) = 0 FROM jobs WHERE type = 'poll' AND status = 'running'"));
        }
    }

    private static long Submit(int job) => Begin + job;

    private static long Start(int job) => Begin + 60 + job;

    private static long End(int job) => Start(job) + 100 + (job * 7);

    // A waiting job, a running one, an ended one.
    private static string Line(int job, int look) => look switch
    {
        0 => $"{job + 1}|hpc|cpu|normal|physics|alice|{Submit(job)}|Unknown|Unknown|0|PENDING|\n",
        1 => $"{job + 1}|hpc|cpu|normal|physics|alice|{Submit(job)}|{Start(job)}|Unknown|5|RUNNING|cpu=2\n",
        _ => $"{job + 1}|hpc|cpu|normal|physics|alice|{Submit(job)}|{Start(job)}|{End(job)}|{End(job) - Start(job)}|COMPLETED|cpu=2\n",
    };

    private static string Final(int job) =>
        $"hpc/{job + 1}/{Submit(job)}/{Start(job)}|alice|physics|cpu|normal|COMPLETED|{Start(job)}.000000|{End(job)}.000000|{End(job) - Start(job)}|2|0|0|0";
}
