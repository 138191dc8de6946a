using System.Globalization;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>A real cluster of Debian's Slurm, read by slurmrestd and by sacct while it works.</summary>
[Collection(nameof(Servers))]
public sealed class RealClusterTests(Servers servers)
{
    private const string FactsSql = """
        SELECT concat_ws('|', job_key, job_id, username, account, partition, qos, state, extract(epoch FROM submitted_at)::bigint,
            extract(epoch FROM started_at)::bigint, extract(epoch FROM ended_at)::bigint, charged_seconds, cpus, memory_mib, nodes, gpus, billing, gpus_by_type, other_tres)
        FROM runs ORDER BY job_key
        """;

    private const string StoredSql = "SELECT concat_ws('|', raw_job_id, job_id, state, charged_seconds, cpus) FROM runs";

    private const string TotalsSql = "SELECT count(*) FILTER (WHERE cpus > 0) || E'\t' || sum(cpus * charged_seconds)::bigint FROM runs";

    // slurmdbd's own tables. A record that repeats the start of an earlier one (resize) counts from its own submit.
    private const string DbdSql = """
        SELECT count(*), coalesce(sum(greatest(0, cast(time_end as signed) - greatest(cast(time_start as signed), cast(time_submit as signed)) - cast(time_suspended as signed))
            * substring_index(substring(tres_alloc, 3), ',', 1)), 0)
        FROM testcluster_job_table WHERE time_end > 0 AND tres_alloc LIKE '1=%'
        """;

    [SlurmFact]
    [Trait("Speed", "slow")]
    [Trait("Control", "USE-01")]
    [Trait("Control", "USE-02")]
    public async Task Both_sources_tell_what_slurmdbd_holds_and_one_stands_in_for_the_other()
    {
        await using SlurmCluster cluster = await SlurmCluster.StartAsync();
        await using ReconciliationSite site = await ReconciliationSite.StartAsync(servers, "UTC", Settings(cluster, "slurmrestd", "sacct"));
        RunningService usage = site.Usage;
        await using RunningService bySacct = await UsageClient.StartServiceAsync(servers, Settings(cluster, "sacct"));
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(UsageCorrected), typeof(AuditRecorded));

        await SubmitShapesAsync(cluster);
        await cluster.UntilIdleAsync();
        await SameAsAsync(cluster, usage);
        Assert.Equal("slurmrestd", await ActiveAsync(usage));

        // slurmrestd goes away in the middle, comes back, and nothing is lost or doubled.
        await cluster.StopRestAsync();
        await cluster.SubmitAsync("daemon", "--ntasks=2", "--wrap=sleep 1");
        await Wait.UntilAsync("sacct stands in", async () => await ActiveAsync(usage) == "sacct");
        string reason = await usage.ScalarAsync<string>("SELECT active_reason FROM clusters");
        Assert.Contains("slurmrestd", reason, StringComparison.Ordinal);
        await cluster.UntilIdleAsync();
        await SameAsAsync(cluster, usage);
        await cluster.StartRestAsync();
        await Wait.UntilAsync("slurmrestd is preferred again", async () => await ActiveAsync(usage) == "slurmrestd");
        await cluster.SubmitAsync("games", "--ntasks=1", "--wrap=true");
        await cluster.UntilIdleAsync();
        await SameAsAsync(cluster, usage);

        await SameAsAsync(cluster, bySacct);
        Assert.Equal(await usage.QueryAsync<string>(FactsSql), await bySacct.QueryAsync<string>(FactsSql));
        foreach (RunningService service in new[] { usage, bySacct })
        {
            Assert.Empty(await service.QueryAsync<string>("SELECT code || ': ' || reason || ' ' || text FROM quarantine"));
            // To change the source is no correction.
            Assert.Empty(await service.QueryAsync<string>("SELECT job_key || array_to_string(changed, ',') FROM run_versions"));
            Assert.Equal(0, await service.ScalarAsync<long>("SELECT count(*) - count(DISTINCT job_key) FROM runs"));
        }

        await WholeNodeAsync(usage);
        await SameUseAsync(usage, bySacct);
        await CorrectedAsync(cluster, usage, bus);
        await ReconciledAsync(cluster, site);
    }

    /// <summary>A job that wants a node for itself asks for one core and holds all that the node has.</summary>
    private static async Task WholeNodeAsync(RunningService usage) => Assert.Contains(
        await usage.QueryAsync<string>("SELECT concat_ws(' ', nodes, cpus > 1, gpus > 1, gpus_by_type IS NOT NULL) FROM runs WHERE partition = 'gpu' AND username = 'games' AND nodes = 1"),
        held => held == "1 t t t");

    /// <summary>Every TRES-second that sacct prints is accounted for; what somebody changes here is named.</summary>
    private static async Task ReconciledAsync(SlurmCluster cluster, ReconciliationSite site)
    {
        // A resized job has two records; the second repeats the start of the first.
        long resized = await cluster.SubmitAsync("daemon", "--nodes=2", "--ntasks-per-node=1", "--wrap=sleep 100");
        await cluster.UntilStateAsync(resized, "RUNNING");
        await NextSecondAsync();
        await cluster.RunAsync("scontrol", "update", $"jobid={resized}", "numnodes=1");
        await cluster.RunAsync("scancel", $"{resized}");
        // So has one that makes room for another: it was put out, and began anew.
        long preempted = await cluster.SubmitAsync("games", "--nodes=2", "--ntasks-per-node=16", "--requeue", "--wrap=[ ${SLURM_RESTART_COUNT:-0} -gt 0 ] || sleep 100");
        await cluster.UntilStateAsync(preempted, "RUNNING");
        await NextSecondAsync();
        await cluster.SubmitAsync("daemon", "--partition=urgent", "--nodes=2", "--ntasks-per-node=1", "--wrap=sleep 1");
        await cluster.UntilIdleAsync();
        await RecordedAsync(cluster, site.Usage, resized, preempted);
        Assert.Contains("PREEMPTED", await site.Usage.QueryAsync<string>("SELECT state FROM runs WHERE raw_job_id = @preempted", new { preempted }));
        await Wait.UntilAsync("the polls rest", async () =>
        {
            await site.Usage.ExecuteAsync("UPDATE clusters SET poll_due_at = now() + interval '1 day'");
            return await site.Usage.ScalarAsync<bool>(
                "SELECT lease_owner IS NULL AND poll_due_at > now() + interval '1 hour' AND NOT EXISTS (SELECT 1 FROM jobs WHERE type IN ('poll', 'month') AND status IN ('queued', 'running')) FROM clusters");
        });
        await site.UntilRatedAsync();
        string month = $"{TimeProvider.System.GetUtcNow():yyyy-MM}";

        Reconciled fair = await site.ReconcileAsync(SlurmCluster.Name, month);

        Assert.True(fair.Status == "succeeded" && fair.Differences == 0, fair.Document.ToJsonString());
        SortedDictionary<string, decimal> printed = await TresSecondsAsync(cluster, fair.Head["from"]!.GetValue<DateTimeOffset>(), fair.Head["to"]!.GetValue<DateTimeOffset>());
        Assert.Equal(printed.Select(entry => $"{entry.Key} {entry.Value} 0"), fair.Totals.Select(entry => $"{entry.Key} {entry.Value.Split(' ')[0]} {entry.Value.Split(' ')[^1]}"));
        Assert.Contains("gres/gpu:a100", printed.Keys);

        long tampered = await site.Usage.ScalarAsync<long>("UPDATE runs SET charged_seconds = charged_seconds + 7 WHERE job_key = (SELECT min(job_key) FROM runs WHERE charged_seconds > 0) RETURNING raw_job_id");
        Reconciled named = await site.ReconcileAsync(SlurmCluster.Name, month);
        Assert.Equal(["other_facts", "rating_differs"], named.Named.Select(one => one.Split(' ')[0]).Order(StringComparer.Ordinal));
        Assert.All(named.Document["named"]!["items"]!.AsArray(), item => Assert.StartsWith($"{SlurmCluster.Name}/{tampered}/", item!["subject"]!.GetValue<string>(), StringComparison.Ordinal));
    }

    private static async Task RecordedAsync(SlurmCluster cluster, RunningService usage, long resized, long preempted)
    {
        try
        {
            await Wait.UntilAsync("both records of each are stored, and the cluster is read beyond them", async () => await usage.ScalarAsync<bool>(
                "SELECT count(*) = 4 AND bool_and(ended_at IS NOT NULL) AND (SELECT bool_and(ended_at < read_until) FROM clusters, runs) FROM runs WHERE raw_job_id IN (@resized, @preempted)",
                new { resized, preempted }));
        }
        catch (TimeoutException)
        {
            IReadOnlyList<string> stored = await usage.QueryAsync<string>(
                "SELECT concat_ws(' ', job_key, state, ended_at) FROM runs WHERE raw_job_id IN (@resized, @preempted) UNION ALL SELECT concat_ws(' ', read_until, failures, last_error) FROM clusters",
                new { resized, preempted });
            string printed = await cluster.RunAsync(
                "sacct", "--allusers", "--allocations", "--duplicates", "--noheader", "--parsable2", $"--jobs={resized},{preempted}", "--starttime=now-1hour",
                "--format=JobIDRaw,State,Submit,Start,End");
            Assert.Fail($"stored:\n{string.Join('\n', stored)}\nprinted:\n{printed}");
        }
    }

    // Records of one job differ by the second of their submission alone: a change within that second would leave one of them.
    private static Task NextSecondAsync()
    {
        DateTimeOffset begun = TimeProvider.System.GetUtcNow();
        return Wait.UntilAsync("the cluster's clock goes on", () => Task.FromResult(TimeProvider.System.GetUtcNow() >= begun.AddSeconds(1.5)));
    }

    // By sacct's print and nothing of ours: count × (elapsed less what lies before the record's own submit).
    private static async Task<SortedDictionary<string, decimal>> TresSecondsAsync(SlurmCluster cluster, DateTimeOffset from, DateTimeOffset to)
    {
        string printed = await cluster.RunAsync(
            "sacct", "--allusers", "--allocations", "--duplicates", "--noheader", "--parsable2", "--noconvert", "--starttime=now-1hour", "--format=Submit,Start,End,ElapsedRaw,AllocTRES");
        var sums = new SortedDictionary<string, decimal>(StringComparer.Ordinal);
        foreach (string[] columns in printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('|')))
        {
            DateTimeOffset end = Instant(columns[2]);
            if (end < from || end >= to || columns[4].Length == 0) continue;
            decimal seconds = Math.Max(0, long.Parse(columns[3], CultureInfo.InvariantCulture) - Math.Max(0, (long)(Instant(columns[0]) - Instant(columns[1])).TotalSeconds));
            foreach (string[] entry in columns[4].Split(',').Select(entry => entry.Split('=')).Where(_ => seconds > 0))
                sums[entry[0]] = sums.GetValueOrDefault(entry[0]) + (seconds * decimal.Parse(entry[1].TrimEnd('M'), CultureInfo.InvariantCulture));
        }

        return sums;

        static DateTimeOffset Instant(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
    }

    /// <summary>What both could measure they tell alike: memory to the byte, CPU time but for the milliseconds that sacct cuts off each step.</summary>
    private static async Task SameUseAsync(RunningService usage, RunningService bySacct)
    {
        const string UsedSql = "SELECT job_key, cpu_used_ms, memory_used_bytes FROM runs WHERE cpu_used_ms IS NOT NULL";
        await Wait.UntilAsync("runs are measured", async () => (await bySacct.QueryAsync<(string, long, long?)>(UsedSql)).Count > 10);
        var byRest = (await usage.QueryAsync<(string Key, long Cpu, long? Memory)>(UsedSql)).ToDictionary(run => run.Key, StringComparer.Ordinal);
        var both = (await bySacct.QueryAsync<(string Key, long Cpu, long? Memory)>(UsedSql)).Where(run => byRest.ContainsKey(run.Key)).ToList();

        Assert.True(both.Count > 5, $"{byRest.Count} and {both.Count}");
        // Of a step that ends at once Slurm knows no memory.
        Assert.All(both, run => Assert.Equal(byRest[run.Key].Memory, run.Memory));
        Assert.All(both, run => Assert.InRange(byRest[run.Key].Cpu - run.Cpu, 0, 5));
    }

    /// <summary>As <c>sacctmgr fix runawayjobs</c> does: a run that was billed an hour collapses to nothing.</summary>
    private static async Task CorrectedAsync(SlurmCluster cluster, RunningService usage, BusProbe bus)
    {
        long job = await usage.ScalarAsync<long>("SELECT raw_job_id FROM runs WHERE state = 'COMPLETED' AND charged_seconds > 0 ORDER BY raw_job_id LIMIT 1");
        await cluster.SqlAsync($"UPDATE testcluster_job_table SET time_end = time_start WHERE id_job = {job}");

        await Wait.UntilAsync("the correction is told", () => Task.FromResult(bus.Heard<UsageCorrected>().Any()));
        CorrectedRun corrected = Assert.Single(bus.Heard<UsageCorrected>().SelectMany(message => message.Runs).DistinctBy(run => run.Run.JobKey));
        Assert.Equal((job, 0L), (corrected.Run.RawJobId, corrected.Run.ChargedSeconds));
        Assert.Equal(["ended_at", "charged_seconds"], corrected.Changed);
        Assert.Equal("slurmrestd", await usage.ScalarAsync<string>("SELECT replaced_by_source FROM run_versions"));
        await SameAsAsync(cluster, usage);
    }

    private static async Task SubmitShapesAsync(SlurmCluster cluster)
    {
        await cluster.SubmitAsync("daemon", "--ntasks=4", "--mem-per-cpu=1500M", "--wrap=sleep 2");
        await cluster.SubmitAsync("games", "--ntasks=1", "--array=1-5%2", "--wrap=sleep 1; [ $SLURM_ARRAY_TASK_ID != 3 ]");
        await cluster.SubmitAsync("daemon", "--account=chem", "--partition=gpu", "--gres=gpu:a100:2", "--wrap=sleep 2");
        await cluster.SubmitAsync("games", "--partition=gpu", "--gres=gpu:1", "--wrap=sleep 1");
        await cluster.SubmitAsync("daemon", "--partition=gpu", "--gres=gpu:a100:1,gpu:v100:1", "--wrap=sleep 1");
        await cluster.SubmitAsync("games", "--partition=gpu", "--exclusive", "--ntasks=1", "--wrap=sleep 1");
        await cluster.SubmitAsync("games", "--nodes=2", "--ntasks-per-node=2", "--wrap=srun sleep 1");
        await cluster.SubmitAsync("daemon", "--job-name=a|b", "--wrap=exit 3");
        await cluster.SubmitAsync("daemon", "--ntasks=2", ":", "--ntasks=1", "--gres=gpu:v100:1", "--wrap=sleep 1");
        long never = await cluster.SubmitAsync("games", "--begin=now+1hour", "--wrap=true");
        await cluster.RunAsync("scancel", $"{never}");

        long cancelled = await cluster.SubmitAsync("games", "--wrap=sleep 100");
        long suspended = await cluster.SubmitAsync("daemon", "--wrap=sleep 3");
        long requeued = await cluster.SubmitAsync("daemon", "--ntasks=2", "--requeue", "--wrap=[ ${SLURM_RESTART_COUNT:-0} -gt 0 ] || sleep 100");
        foreach (long job in new[] { cancelled, suspended, requeued }) await cluster.UntilStateAsync(job, "RUNNING");
        await cluster.RunAsync("scontrol", "suspend", $"{suspended}");
        await Wait.UntilAsync("seconds pass", async () => Seconds(await cluster.RunAsync("squeue", "--noheader", $"--jobs={cancelled}", "--format=%M")) >= 2);
        await cluster.RunAsync("scontrol", "resume", $"{suspended}");
        await cluster.RunAsync("scontrol", "requeue", $"{requeued}");
        await cluster.RunAsync("scancel", $"{cancelled}");
    }

    /// <summary>Waits until all that has ended is stored, and compares it with what slurmdbd's own tables and tools say.</summary>
    private static async Task SameAsAsync(SlurmCluster cluster, RunningService usage)
    {
        string[] expected = [];
        string[] stored = [];
        try
        {
            // A record reaches slurmdbd about a second after the job has ended, and is read with the next poll.
            await Wait.UntilAsync("what slurmdbd holds is stored", async () =>
            {
                expected = [.. await PrintedAsync(cluster), (await cluster.SqlAsync(DbdSql)).Trim().Split('.')[0]];
                stored = [.. (await usage.QueryAsync<string>(StoredSql)).Order(StringComparer.Ordinal), await usage.ScalarAsync<string>(TotalsSql)];
                return expected.SequenceEqual(stored);
            });
        }
        catch (TimeoutException)
        {
            Assert.Equal(expected, stored);
            throw;
        }
    }

    private static async Task<IEnumerable<string>> PrintedAsync(SlurmCluster cluster)
    {
        string printed = await cluster.RunAsync(
            "sacct", "--allusers", "--allocations", "--duplicates", "--noheader", "--parsable2", "--noconvert", "--starttime=now-1hour", "--format=JobIDRaw,JobID,State,ElapsedRaw,AllocCPUS");
        return printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Replace(" by 0", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
    }

    private static (string Key, string Value)[] Settings(SlurmCluster cluster, params string[] kinds)
    {
        var settings = new List<(string, string)> { ("Usage__Polling__IntervalSeconds", "1"), ("Usage__Polling__BreakSeconds", "1"), ("Usage__Polling__BackoffSecondsMax", "2") };
        for (int i = 0; i < kinds.Length; i++)
        {
            settings.Add(($"Usage__Sources__{i}__Cluster", SlurmCluster.Name));
            settings.Add(($"Usage__Sources__{i}__Kind", kinds[i]));
            if (kinds[i] == "sacct")
            {
                settings.Add(($"Usage__Sources__{i}__SlurmConf", cluster.Conf));
            }
            else
            {
                settings.Add(($"Usage__Sources__{i}__Url", cluster.RestAddress.ToString()));
                settings.Add(($"Usage__Sources__{i}__TokenFile", cluster.TokenFile));
                settings.Add(($"Usage__Sources__{i}__User", "slurm"));
            }
        }

        return [.. settings];
    }

    private static async Task<string?> ActiveAsync(RunningService usage) => await usage.ScalarAsync<string?>("SELECT active_source FROM clusters");

    private static int Seconds(string elapsed) => elapsed.Trim() is { Length: > 0 } text && text.Contains(':', StringComparison.Ordinal)
        ? int.Parse(text.Split(':')[^1], CultureInfo.InvariantCulture) : 0;
}
