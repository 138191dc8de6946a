using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>A month of a cluster, weighed: what slurmdbd holds against what is stored and what rating made of each run.</summary>
[Collection(nameof(Servers))]
public sealed class ReconciliationTests(Servers servers)
{
    // The month before this one, in a zone that is seven hours ahead of UTC.
    private static readonly DateTimeOffset First = new DateTimeOffset(TimeProvider.System.GetUtcNow().Year, TimeProvider.System.GetUtcNow().Month, 1, 0, 0, 0, TimeSpan.FromHours(7)).AddMonths(-1);
    private static readonly string Month = First.ToString("yyyy-MM", CultureInfo.InvariantCulture);
    private static readonly long From = First.ToUnixTimeSeconds();
    private static readonly long To = First.AddMonths(1).ToUnixTimeSeconds();

    [Fact]
    public async Task Every_second_of_a_month_is_billed_unbilled_exempt_or_in_quarantine_and_every_difference_has_its_name()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        StubRecord[] billed = [.. Enumerable.Range(1, 5).Select(job => Run(job, From + (job * 86_400), 1000 * job))];
        var gpu = Run(6, From + 500_000, 3600) with { Tres = [("cpu", "", 4), ("mem", "", 2000), ("node", "", 1), ("billing", "", 9), ("gres", "gpu", 2), ("gres", "gpu:a100", 2), ("license", "matlab", 3)] };
        foreach (StubRecord record in billed) stub.Put(record);
        stub.Put(gpu);
        await using ReconciliationSite site = await StartAsync(stub);
        await UntilReadAsync(site, 6);
        await site.BillAsync();

        // The edges of the site's month, what waits, what held nothing, what is no run, and what still runs.
        stub.Put(Run(10, From, 60));
        stub.Put(Run(11, From - 1, 60));
        stub.Put(Run(12, To, 60));
        stub.Put(Run(13, To - 1, 60));
        stub.Put(Run(14, From + 700_000, 0));
        stub.Put(Run(15, From + 800_000, 100) with { User = "" });
        stub.Put(new StubRecord(16, To - 900, To - 800, 0));
        await BackfillAsync(site);
        await UntilReadAsync(site, 12);

        Reconciled month = await site.ReconcileAsync("hpc", Month);

        Assert.Equal(("succeeded", 0L, "Asia/Bangkok"), (month.Status, month.Differences, month.Head["zone"]!.GetValue<string>()));
        Assert.Equal("slurmdbd=10 stored=9 billed=6 unbilled=2 exempt=1 quarantined=1", month.Runs);
        Assert.Equal(1, month.Head["running"]!.GetValue<long>());
        Assert.Equal(["quarantined -"], month.Named);
        Assert.Equal($"{30_000 + 14_400 + 240 + 200} {30_000 + 14_400 + 240} {30_000 + 14_400} 240 0 200 0", month.Totals["cpu"]);
        Assert.Equal("7200 7200 7200 0 0 0 0", month.Totals["gres/gpu"]);
        Assert.Equal("7200 7200 7200 0 0 0 0", month.Totals["gres/gpu:a100"]);
        Assert.Equal("7200000 7200000 7200000 0 0 0 0", month.Totals["mem"]);
        Assert.Equal("32400 32400 32400 0 0 0 0", month.Totals["billing"]);
        Assert.Equal("10800 10800 10800 0 0 0 0", month.Totals["license/matlab"]);

        // Now somebody's hand is in it, on every side.
        await site.Usage.ExecuteAsync("UPDATE runs SET charged_seconds = charged_seconds - 100 WHERE raw_job_id = 1");
        await site.Usage.ExecuteAsync("DELETE FROM runs WHERE raw_job_id IN (2, 13)");
        await site.Rating.ExecuteAsync("DELETE FROM runs WHERE raw_job_id IN (10, 13)");
        stub.Remove(billed[2]);
        stub.Put(billed[3] with { Account = "chem" });

        Reconciled tampered = await site.ReconcileAsync("hpc", Month);

        Assert.Equal(
            [
                "missing_here 13 account:>physics charged_seconds:>60 cpus:>2",
                "missing_here 2 account:>physics charged_seconds:>2000 cpus:>2",
                "other_facts 1 charged_seconds:900>1000",
                "other_facts 4 account:physics>chem",
                "quarantined -",
                "rating_differs 1 charged_seconds:1000>900",
                "unknown_here - charged_seconds:2000>",
                "unknown_there 3 account:physics> charged_seconds:3000> cpus:2>",
                "unknown_to_rating 10 charged_seconds:>60",
            ],
            tampered.Named.Order(StringComparer.Ordinal));
        Assert.Equal(8, tampered.Differences);
        // Job 3 is billed and unknown to slurmdbd; jobs 10 and 13 are owed by nobody.
        Assert.Equal((-6000 + 120 + 120).ToString(CultureInfo.InvariantCulture), tampered.Totals["cpu"].Split(' ')[^1]);
        Assert.Equal(0, await site.Usage.ScalarAsync<long>("SELECT (SELECT count(*) FROM reconciliation_records) + (SELECT count(*) FROM reconciliation_refused)"));
    }

    [Fact]
    public async Task What_changed_after_it_was_billed_waits_for_an_adjustment_until_the_next_receipt_and_the_sums_come_out()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        var run = Run(1, From + 86_400, 3600);
        stub.Put(run);
        await using ReconciliationSite site = await StartAsync(stub);
        await UntilReadAsync(site, 1);
        await site.BillAsync();
        stub.Put(run with { End = run.Start + 600, Elapsed = 600 });
        await BackfillAsync(site);
        await Wait.UntilAsync("rating has kept the newer facts aside", async () => await site.Rating.ScalarAsync<long>("SELECT count(*) FROM superseded_runs") == 1);

        Reconciled month = await site.ReconcileAsync("hpc", Month);

        Assert.Equal(0, month.Differences);
        Assert.Equal(["awaiting_adjustment 1 charged_seconds:3600>600"], month.Named);
        Assert.Equal("1200 1200 7200 -6000 0 0 0", month.Totals["cpu"]);

        await site.BillAsync();
        Reconciled adjusted = await site.ReconcileAsync("hpc", Month);
        Assert.Empty(adjusted.Named);
        Assert.Equal("1200 1200 1200 0 0 0 0", adjusted.Totals["cpu"]);
    }

    [Fact]
    public async Task The_last_difference_of_each_cluster_is_a_metric_that_an_alert_can_stand_on()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(Run(1, From + 86_400, 3600));
        await using MetricsCollector collector = await MetricsCollector.StartAsync();
        await using ReconciliationSite site = await StartAsync(stub, collector.Settings);
        await UntilReadAsync(site, 1);
        await site.Usage.ExecuteAsync("DELETE FROM runs");

        // Missing here, and perhaps in rating as well.
        Assert.NotEqual(0, (await site.ReconcileAsync("hpc", Month)).Differences);

        await collector.UntilAsync("hpcbilling.usage.reconciliation.difference", "hpc", "cpu");
        await collector.UntilAsync("hpcbilling.usage.reconciliation.differences", "hpc");
    }

    [Fact]
    public async Task A_record_that_comes_in_many_windows_counts_once_and_two_of_one_key_are_named()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(new StubRecord(1, From - 1000, From - 500, From + (10 * 86_400)));
        stub.Put(new StubRecord(2, From + 100, From + 200, From + 300));
        await using ReconciliationSite site = await StartAsync(stub, ("Usage__Polling__WindowSeconds", "86400"));
        await UntilReadAsync(site, 2);
        Reconciled month = await site.ReconcileAsync("hpc", Month);
        Assert.Equal((0L, $"{2 * ((10 * 86_400) + 500 + 100)}"), (month.Differences, month.Totals["cpu"].Split(' ')[0]));

        // Requeued within the second: one of the two cannot be stored.
        stub.Put("twin", new StubRecord(2, From + 100, From + 200, From + 250).ToJson().ToJsonString());
        Reconciled twins = await site.ReconcileAsync("hpc", Month);
        Assert.Contains("same_key 2 records:1>2", twins.Named);
    }

    [Fact]
    public async Task A_month_of_many_pages_loses_no_run_between_them()
    {
        const int Runs = 4500;
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        foreach (int job in Enumerable.Range(1, Runs)) stub.Put(Run(job, From + 86_400 + (job / 7), 10));
        await using ReconciliationSite site = await StartAsync(stub);
        await UntilReadAsync(site, Runs);
        await site.Usage.ExecuteAsync("DELETE FROM runs WHERE raw_job_id % 3 = 0");

        Reconciled month = await site.ReconcileAsync("hpc", Month);

        // Each is missing here, and known to rating alone.
        Assert.Equal($"slurmdbd={Runs} stored={Runs * 2 / 3} billed=0 unbilled={Runs} exempt=0 quarantined=0", month.Runs);
        Assert.Equal((Runs / 3 * 2, $"{Runs / 3},{Runs / 3}"), ((int)month.Differences, $"{month.Head["kinds"]!["missing_here"]},{month.Head["kinds"]!["unknown_here"]}"));
        Assert.Equal($"{Runs * 20} {Runs * 2 / 3 * 20} 0 {Runs * 20} 0 0 0", month.Totals["cpu"]);
        Assert.Equal(1000, await site.Usage.ScalarAsync<long>("SELECT count(*) FROM reconciliation_differences"));
        Assert.NotNull(month.Document["named"]!["nextCursor"]);
    }

    [Fact]
    public async Task A_month_is_reconciled_once_a_key_and_for_its_own_org_alone_and_is_on_record()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(Run(1, From + 86_400, 3600));
        await using ReconciliationSite site = await StartAsync(stub);
        await using BusProbe bus = await BusProbe.StartAsync(site.Usage, typeof(AuditRecorded));
        await UntilReadAsync(site, 1);

        JsonNode first = await site.RequestAsync("hpc", Month, "once");
        Assert.Equal(first["id"]!.GetValue<Guid>(), (await site.RequestAsync("hpc", Month, "once"))["id"]!.GetValue<Guid>());
        using HttpClient admin = site.Usage.Client(TestCaller.Admin());
        admin.DefaultRequestHeaders.Add("Idempotency-Key", "once");
        Assert.Equal(HttpStatusCode.Conflict, (await admin.PostAsJsonAsync("/api/v1/clusters/hpc/reconciliations", new { month = "2020-01" })).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.PostAsJsonAsync("/api/v1/clusters/hpc/reconciliations", new { month = "2026-13" })).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await admin.PostAsJsonAsync("/api/v1/clusters/none/reconciliations", new { month = Month })).StatusCode);
        using HttpClient stranger = site.Usage.Client(TestCaller.Admin(Guid.CreateVersion7()));
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.GetAsync($"/api/v1/clusters/hpc/reconciliations/{first["id"]}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.PostAsJsonAsync("/api/v1/clusters/hpc/reconciliations", new { month = Month })).StatusCode);

        AuditRecorded act = await Wait.ForAsync("the end is on record", () => Task.FromResult(bus.Heard<AuditRecorded>().FirstOrDefault(entry => entry.Action == "reconcile.succeeded")));
        Assert.Equal(($"reconcile:{first["id"]}", "0", "1"), (act.Subject, act.Details["differences"], act.Details["slurmdbdRuns"]));
        Assert.Single((await admin.GetFromJsonAsync<JsonNode>("/api/v1/clusters/hpc/reconciliations"))!["items"]!.AsArray());
    }

    [Fact]
    public async Task When_a_side_cannot_be_asked_it_fails_with_the_reason_and_says_nothing_about_the_month()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(Run(1, From + 86_400, 3600));
        await using ReconciliationSite site = await StartAsync(stub, ("Usage__AttemptsMax", "1"), ("Usage__RetrySecondsMax", "1"));
        await UntilReadAsync(site, 1);

        stub.Instead = context =>
        {
            context.Response.StatusCode = 502;
            return Task.CompletedTask;
        };
        Reconciled withoutSlurm = await site.ReconcileAsync("hpc", Month);
        Assert.Equal("dead_letter", withoutSlurm.Status);
        Assert.Contains("502", withoutSlurm.Error, StringComparison.Ordinal);

        stub.Instead = null;
        await site.Rating.KillAsync();
        Reconciled withoutRating = await site.ReconcileAsync("hpc", Month);
        Assert.Equal("dead_letter", withoutRating.Status);
        Assert.Contains("rating could not be asked", withoutRating.Error, StringComparison.Ordinal);
        Assert.Empty(withoutRating.Totals);
    }

    private static StubRecord Run(long job, long end, long seconds) => new(job, end - seconds - 10, end - seconds, end);

    private Task<ReconciliationSite> StartAsync(StubSlurmrestd stub, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Usage__Polling__IntervalSeconds"] = "1",
            ["Usage__Polling__BackoffSecondsMax"] = "1",
            ["Usage__Polling__BreakSeconds"] = "1",
            ["Usage__Polling__WindowSeconds"] = "2678400",
            ["Usage__Polling__From"] = First.AddDays(-1).ToUniversalTime().ToString("O"),
            ["Usage__LeaseSeconds"] = "2",
            ["Usage__Sources__0__Cluster"] = StubSlurmrestd.Cluster,
            ["Usage__Sources__0__Kind"] = "slurmrestd",
            ["Usage__Sources__0__Url"] = stub.Address!.ToString(),
            ["Usage__Sources__0__TokenFile"] = PolledService.TokenFile(stub.Token),
        };
        foreach ((string key, string value) in settings) all[key] = value;
        return ReconciliationSite.StartAsync(servers, "Asia/Bangkok", [.. all.Select(setting => (setting.Key, setting.Value))]);
    }

    /// <summary>Polled up to now, and told to rating.</summary>
    private static async Task UntilReadAsync(ReconciliationSite site, int runs)
    {
        await PolledService.UntilRunsAsync(site.Usage, runs);
        await Wait.UntilAsync("the cluster is read up to now", async () => await site.Usage.ScalarAsync<bool>("SELECT read_until > now() - interval '1 hour' FROM clusters"));
        await site.UntilRatedAsync();
    }

    private static async Task BackfillAsync(ReconciliationSite site)
    {
        using HttpClient admin = site.Usage.Client(TestCaller.Admin());
        using HttpResponseMessage accepted = await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = First.AddDays(-1).ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) });
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Guid id = (await accepted.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        var client = new UsageClient(site.Usage);
        await Wait.UntilAsync("the back-fill ends", async () => (await client.JobAsync(id))["finishedAt"] is not null, seconds: 120);
    }
}
