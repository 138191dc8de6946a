using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Rating;

[Collection(nameof(Servers))]
public sealed class StoringUsageTests(RatingSite site) : IClassFixture<RatingSite>
{
    [Fact]
    public async Task A_run_is_priced_when_it_arrives()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1, seconds: 1800, cpus: 4, gpus: 1, memoryMib: 2048)]);

        var run = Single(await RatingOrg.GetAsync(org.User("alice"), "/api/v1/usage"));
        Assert.Equal("unbilled", Text(run, "status"));
        Assert.Equal(200, Number(run, "cpuMinor"));
        Assert.Equal(500, Number(run, "gpuMinor"));
        Assert.Equal(10, Number(run, "memoryMinor"));
        Assert.Equal(710, Number(run, "amountMinor"));
        Assert.Equal(2m, run["cpuCoreHours"]!.GetValue<decimal>());
        Assert.Equal("THB", Text(run, "currency"));
    }

    [Fact]
    public async Task The_same_batch_twice_is_stored_and_counted_once()
    {
        var org = await site.NewOrgWithTariffAsync();
        var import = Guid.CreateVersion7();
        var batch = Guid.CreateVersion7();
        var runs = Runs.Many("alice", 3);
        await org.SayAsync(runs, batch, import);
        await org.SayAsync(runs, batch, import);
        await org.SayAsync(runs, batch, import);
        await SeenAsync(org, 3);

        Assert.Equal(3, Number(await org.TotalsAsync(), "runs"));
        Assert.Equal(3, Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{import}"), "runs"));
    }

    [Fact]
    public async Task An_older_revision_that_comes_late_changes_nothing()
    {
        var org = await site.NewOrgWithTariffAsync();
        var longer = Runs.Of("alice", 1, seconds: 7200, endedAt: Runs.Noon) with { Revision = 2 };
        var shorter = longer with { Revision = 1, ChargedSeconds = 3600 };
        await org.SayAsync([longer]);
        await SeenAsync(org, 1);
        await org.SayAsync([shorter]);
        await SeenAsync(org, 2);

        Assert.Equal(200, Number(await org.TotalsAsync(), "amountMinor"));
    }

    [Fact]
    public async Task Batches_in_any_order_and_number_end_in_the_same_state()
    {
        var revisions = Enumerable.Range(1, 8).SelectMany(number => Enumerable.Range(1, 5)
            .Select(revision => Runs.Of("alice", number) with { Revision = revision, ChargedSeconds = 1000 * revision })).ToList();
        var states = new List<string>();
        foreach (var seed in new[] { 1, 2, 3 })
        {
            var org = await site.NewOrgWithTariffAsync();
            var shuffled = revisions.Concat(revisions).OrderBy(run => HashCode.Combine(seed, run.JobKey, run.Revision)).Chunk(7).ToList();
            await Task.WhenAll(shuffled.Select(batch => org.SayAsync(batch)));
            await SeenAsync(org, shuffled.Count);
            states.Add((await org.TotalsAsync()).ToJsonString());
        }

        Assert.Single(states.Distinct(StringComparer.Ordinal));
        Assert.Contains("\"amountMinor\":1112", states[0], StringComparison.Ordinal); // 8 × 5000 s at 1 THB/h = 8 × 139 satang
    }

    [Fact]
    public async Task A_run_that_a_later_import_updates_still_counts_for_both()
    {
        var org = await site.NewOrgWithTariffAsync();
        var (first, second) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await org.SayAsync([Runs.Of("alice", 1)], import: first);
        await SeenAsync(org, 1);
        await org.SayAsync([Runs.Of("alice", 1) with { Revision = 2 }], import: second);
        await SeenAsync(org, 2);

        Assert.Equal(1, Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{first}"), "runs"));
        Assert.Equal(1, Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{second}"), "runs"));
    }

    [Fact]
    public async Task A_run_that_one_import_tells_of_twice_counts_once()
    {
        var org = await site.NewOrgWithTariffAsync();
        var import = Guid.CreateVersion7();
        await org.SayAsync([Runs.Of("alice", 1) with { EndedAt = null }, Runs.Of("alice", 2)], import: import);
        await SeenAsync(org, 1);
        await org.SayAsync([Runs.Of("alice", 1) with { Revision = 2 }, Runs.Of("alice", 3)], import: import);
        await SeenAsync(org, 2);

        Assert.Equal(3, Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{import}"), "runs"));
    }

    [Fact]
    public async Task What_is_not_charged_has_a_name_and_everything_adds_up()
    {
        var org = await site.NewOrgWithTariffAsync();
        var run = Runs.Of("alice", 1);
        await org.StoreAsync(
        [
            run,
            Runs.Of("alice", 2) with { StartedAt = null, ChargedSeconds = 0, State = "CANCELLED" },
            Runs.Of("alice", 3) with { ChargedSeconds = 0 },
            Runs.Of("alice", 4) with { EndedAt = null, State = "RUNNING" },
            Runs.Of("alice", 5, endedAt: new DateTimeOffset(1970, 1, 1, 12, 0, 0, TimeSpan.Zero)),
        ]);

        var totals = await org.TotalsAsync();
        Assert.Equal((5, 4, 1, 2, 1), (Number(totals, "runs"), Number(totals, "finished"), Number(totals, "unbilled"), Number(totals, "exempt"), Number(totals, "unpriced")));
        var reasons = (await RatingOrg.GetAsync(org.User("alice"), "/api/v1/usage"))["items"]!.AsArray()
            .ToDictionary(item => Text(item!, "jobId"), item => (Text(item!, "status"), item!["reason"]?.GetValue<string>()), StringComparer.Ordinal);
        Assert.Equal(("exempt", "never_started"), reasons["2"]);
        Assert.Equal(("exempt", "zero_seconds"), reasons["3"]);
        Assert.Equal(("unfinished", null), reasons["4"]);
        Assert.Equal(("unpriced", "no_tariff_in_force"), reasons["5"]);
    }

    [Fact]
    public async Task Runs_that_waited_for_a_tariff_are_priced_when_it_is_published()
    {
        var org = site.NewOrg();
        await org.StoreAsync(Runs.Many("alice", 3));
        Assert.Equal(3, Number(await org.TotalsAsync(), "unpriced"));

        await org.PublishTariffAsync("mu", 3600m, 0, 0, "1970-01-02");
        var totals = await org.TotalsAsync();
        Assert.Equal(0, Number(totals, "unpriced"));
        Assert.Equal((60 + 61 + 62) * 100, Number(totals, "amountMinor"));
    }

    [Fact]
    public async Task A_tier_reprices_what_is_not_billed_and_leaves_the_rest()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.PublishTariffAsync("gov", 5m, 0, 0, "1970-01-02");
        await org.StoreAsync([Runs.Of("alice", 1), Runs.Of("bob", 2)]);
        await org.IssueAsync("alice");
        await org.StoreAsync([Runs.Of("alice", 3)]);

        using var put = await org.Admin.PutAsync("/api/v1/tiers/alice", Json("""{"tier":"gov"}"""));
        Assert.Equal("""{"username":"alice","tier":"gov","isDefault":false}""", await put.Content.ReadAsStringAsync());

        var totals = await org.TotalsAsync();
        Assert.Equal(100, Number(totals, "billedMinor"));
        Assert.Equal(100 + 500 + 100, Number(totals, "amountMinor"));
        Assert.Equal("gov", (await org.AuditedAsync("tier.changed")).Details["newTier"]);

        await org.StoreAsync([Runs.Of("alice", 4)]);
        Assert.Equal(100 + 500 + 100 + 500, Number(await org.TotalsAsync(), "amountMinor"));
    }

    [Fact]
    [Trait("Control", "DATA-03")]
    public async Task Newer_facts_of_a_billed_run_wait_aside_and_alter_no_receipt()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        var receipt = await org.IssueAsync("alice");
        var before = (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}")).ToJsonString();

        await org.SayAsync([Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 9999 }]);
        await SeenAsync(org, 2);
        await org.SayAsync([Runs.Of("alice", 1) with { Revision = 3, ChargedSeconds = 1 }]);
        await SeenAsync(org, 3);

        Assert.Equal(before, (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}")).ToJsonString());
        Assert.Equal(100, Number(await org.TotalsAsync(), "amountMinor"));
        var aside = await site.Service.QueryAsync<(int Revision, long ChargedSeconds, Guid ReceiptId)>(
            "SELECT revision, charged_seconds, receipt_id FROM superseded_runs WHERE org_id = @Id", new { org.Id });
        Assert.Equal([(3, 1L, receipt)], aside);
    }

    [Fact]
    public async Task A_corrected_run_is_priced_anew_while_it_is_unbilled_and_waits_aside_once_it_is_billed()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1), Runs.Of("bob", 2)]);
        var receipt = await org.IssueAsync("alice");

        await org.CorrectAsync(Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 0 }, Runs.Of("bob", 2) with { Revision = 2, ChargedSeconds = 7200 });
        await Wait.UntilAsync("the correction is consumed", async () => Number(await org.TotalsAsync(), "amountMinor") == 100 + 200);
        await org.CorrectAsync(Runs.Of("bob", 2) with { Revision = 1, ChargedSeconds = 1 });

        Assert.Equal(100, Number(await org.TotalsAsync(), "billedMinor"));
        var aside = await site.Service.QueryAsync<(int Revision, long ChargedSeconds, Guid ReceiptId)>(
            "SELECT revision, charged_seconds, receipt_id FROM superseded_runs WHERE org_id = @Id", new { org.Id });
        Assert.Equal([(2, 0L, receipt)], aside);
        Assert.Equal(300, Number(await org.TotalsAsync(), "amountMinor"));
    }

    [Fact]
    public async Task What_was_used_comes_in_any_order_before_and_after_billing_and_counts_for_no_import()
    {
        var org = await site.NewOrgWithTariffAsync();
        var import = Guid.CreateVersion7();
        var run = Runs.Of("alice", 1, seconds: 3600, cpus: 2, memoryMib: 2048);
        await org.MeasureAsync(run with { CpuUsedMilliseconds = 1_800_000 });
        await SeenAsync(org, 1);
        await org.SayAsync([run], import: import);
        await SeenAsync(org, 2);
        Assert.Equal(1, Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{import}"), "runs"));
        Assert.Equal((0.25m, null), await EfficiencyAsync(org));

        var receipt = await org.IssueAsync("alice");
        var before = (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}")).ToJsonString();
        await org.MeasureAsync(run with { CpuUsedMilliseconds = 7_200_000, MemoryUsedBytes = 1L << 30 });
        await SeenAsync(org, 3);
        await org.MeasureAsync(run with { CpuUsedMilliseconds = 5_400_000 });
        await SeenAsync(org, 4);

        Assert.Equal((1m, 0.5m), await EfficiencyAsync(org));
        Assert.Equal(before, (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}")).ToJsonString());
        Assert.Equal(0, await site.Service.ScalarAsync<long>("SELECT count(*) FROM superseded_runs WHERE org_id = @Id", new { org.Id }));
        Assert.Equal(1, Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{import}"), "runs"));
    }

    [Fact]
    public async Task Whatever_was_used_the_price_is_that_of_what_was_held()
    {
        var org = await site.NewOrgWithTariffAsync();
        var random = new Random(20170102);
        var plain = Enumerable.Range(1, 200).Select(number => Runs.Of("alice", number, random.Next(0, 90_000), random.Next(0, 129), random.Next(0, 9), random.Next(0, 1_000_000))).ToArray();
        await org.StoreAsync(plain);
        await org.StoreAsync([.. plain.Select(run => run with
        {
            Username = "bob", JobKey = run.JobKey + "0", CpuUsedMilliseconds = random.NextInt64(0, long.MaxValue), MemoryUsedBytes = random.NextInt64(1, long.MaxValue),
        })]);

        Assert.Equal(await PricesAsync("alice"), await PricesAsync("bob"));
        Assert.True(Number(await org.TotalsAsync(), "amountMinor") > 0);

        async Task<List<string>> PricesAsync(string username) => [.. await site.Service.QueryAsync<string>(
            "SELECT concat_ws('|', job_id, rating, reason, cpu_minor, gpu_minor, memory_minor, amount_minor) FROM runs WHERE org_id = @Id AND username = @username ORDER BY raw_job_id",
            new { org.Id, username })];
    }

    [Fact]
    public async Task Of_a_run_that_held_nothing_or_goes_on_no_share_is_told()
    {
        var org = await site.NewOrgWithTariffAsync();
        var run = Runs.Of("alice", 1) with { CpuUsedMilliseconds = 1000, MemoryUsedBytes = 4096 };
        await org.SayAsync([run with { ChargedSeconds = 0 }]);
        await SeenAsync(org, 1);
        Assert.Equal((null, null), await EfficiencyAsync(org));

        await org.SayAsync([run with { Revision = 2, EndedAt = null }]);
        await SeenAsync(org, 2);
        Assert.Equal((null, null), await EfficiencyAsync(org));
    }

    private static async Task<(decimal? Cpu, decimal? Memory)> EfficiencyAsync(RatingOrg org)
    {
        var run = Single(await RatingOrg.GetAsync(org.User("alice"), "/api/v1/usage"));
        return (run["cpuEfficiency"]?.GetValue<decimal>(), run["memoryEfficiency"]?.GetValue<decimal>());
    }

    private Task SeenAsync(RatingOrg org, int batches) => Wait.UntilAsync("the batches are consumed", async () =>
        await site.Service.ScalarAsync<long>("SELECT count(*) FROM inbox WHERE org_id = @Id AND consumer = 'StoreRecordedUsage'", new { org.Id }) == batches);

    private static StringContent Json(string body) => new(body, System.Text.Encoding.UTF8, "application/json");

    private static JsonNode Single(JsonNode page) => Assert.Single(page["items"]!.AsArray())!;

    private static long Number(JsonNode node, string name) => node[name]!.GetValue<long>();

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();
}
