using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Rating;

public sealed class ApportioningSite(Servers servers) : RatingSite(servers)
{
    protected override string RunsAcrossMonths => "apportion";
}

/// <summary>A site of Bangkok that gives each month its part of a run.</summary>
[Collection(nameof(Servers))]
public sealed class ApportioningTests(ApportioningSite site) : IClassFixture<ApportioningSite>
{
    // 2017-02-01 in Bangkok.
    private static readonly DateTimeOffset February = new(2017, 1, 31, 17, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_run_across_the_end_of_a_month_is_charged_to_both_by_the_rates_of_each()
    {
        var org = site.NewOrg();
        await org.PublishTariffAsync("mu", 1m, 0m, 0m, "1970-01-02");
        await org.SayAsync([Across(1, before: 3600, after: 7200) with { CpuUsedMilliseconds = 9_000_000 }]);
        var run = await StoredAsync(org, 2);

        Assert.Equal(["2017-02 7200 200", "2017-01 3600 100"], run.Select(part => $"{Month(part)} {Number(part, "chargedSeconds")} {Number(part, "amountMinor")}"));
        Assert.Equal(["6000000", "3000000"], run.Select(part => $"{Number(part, "cpuUsedMs")}"));
        Assert.Equal(["2017-02 1 2", "2017-01 1 1"], await MonthsAsync(org));

        var january = await org.RunReceiptsAsync("2017-02-01");
        Assert.Equal((1L, 100L), (Number(january, "runs"), Number(january, "totalMinor")));
        var february = await org.RunReceiptsAsync("2017-03-01");
        Assert.Equal((1L, 200L), (Number(february, "runs"), Number(february, "totalMinor")));
        Assert.Equal((0L, 300L), (Number(await org.TotalsAsync(), "unbilled"), Number(await org.TotalsAsync(), "billedMinor")));
    }

    [Fact]
    public async Task A_run_counts_once_for_its_import_however_many_parts_it_has()
    {
        var org = await site.NewOrgWithTariffAsync();
        var import = Guid.CreateVersion7();
        await org.SayAsync([Across(1, 60, 60), Across(2, 60, 60), Runs.Of("alice", 3)], import: import);
        await Wait.UntilAsync("the import is counted", async () => Number(await RatingOrg.GetAsync(org.Admin, $"/api/v1/usage/imports/{import}"), "runs") == 3);
        Assert.Equal(5, Number(await org.TotalsAsync(), "runs"));
    }

    [Fact]
    public async Task A_correction_that_takes_a_month_away_leaves_nothing_of_it_in_whatever_order_it_comes()
    {
        var longer = Across(1, before: 3600, after: 7200);
        var shorter = longer with { Revision = 2, EndedAt = February.AddSeconds(-1800), ChargedSeconds = 1800 };
        var longest = longer with { Revision = 3, EndedAt = February.AddSeconds(3600), ChargedSeconds = 7200 };
        foreach (var order in (RecordedRun[][])[[longer, shorter], [shorter, longer], [longer, shorter, longer]])
        {
            var org = await site.NewOrgWithTariffAsync();
            await SayInTurnAsync(org, order);
            Assert.Equal(50, Number(await org.TotalsAsync(), "amountMinor"));
        }

        foreach (var order in (RecordedRun[][])[[longer, shorter, longest], [longest, shorter, longer], [shorter, longest, longer]])
        {
            var org = await site.NewOrgWithTariffAsync();
            await SayInTurnAsync(org, order);
            Assert.Equal(200, Number(await org.TotalsAsync(), "amountMinor"));
            Assert.Equal(["2017-02 1 1", "2017-01 1 1"], await MonthsAsync(org));
        }
    }

    [Fact]
    public async Task A_correction_gives_back_what_was_billed_of_a_month_that_it_takes_away()
    {
        var org = await site.NewOrgWithTariffAsync();
        var longer = Across(1, before: 3600, after: 7200);
        await org.SayAsync([longer]);
        await StoredAsync(org, 2);
        Assert.Equal(300, Number(await org.RunReceiptsAsync(), "totalMinor"));

        await org.CorrectAsync(longer with { Revision = 2, EndedAt = February.AddSeconds(-1800), ChargedSeconds = 1800 });
        await Wait.UntilAsync("both parts wait for the next document", async () => await site.Service.ScalarAsync<long>(
            "SELECT count(*) FROM superseded_runs WHERE org_id = @Id AND adjusted_at IS NULL", new { org.Id }) == 2);
        var corrected = await org.RunReceiptsAsync();

        Assert.Equal((1L, -250L), (Number(corrected, "creditNotes"), Number(corrected, "totalMinor")));
        var totals = await org.TotalsAsync();
        Assert.Equal((50L, 50L), (Number(totals, "amountMinor"), Number(totals, "billedMinor")));
        var documents = (await RatingOrg.GetAsync(org.User("alice"), "/api/v1/receipts"))["items"]!.AsArray();
        Assert.Equal(50, documents.Sum(document => Number(document!, "totalMinor")));
    }

    [Fact]
    public async Task Parts_that_arrive_while_receipts_are_issued_are_billed_once()
    {
        var org = await site.NewOrgWithTariffAsync();
        var runs = Enumerable.Range(1, 60).Select(number => Across(number, 3600, 3600)).ToArray();
        var saying = Task.WhenAll(runs.Chunk(5).Select(batch => org.SayAsync(batch)).Concat(runs.Chunk(7).Select(batch => org.SayAsync(batch))));
        for (var round = 0; round < 5; round++) await org.RunReceiptsAsync();
        await saying;
        await Wait.UntilAsync("all parts are stored", async () => Number(await org.TotalsAsync(), "runs") == 120);
        await org.RunReceiptsAsync();

        var totals = await org.TotalsAsync();
        Assert.Equal((120L, 12_000L), (Number(totals, "billed"), Number(totals, "billedMinor")));
        var receipts = (await RatingOrg.GetAsync(org.User("alice"), "/api/v1/receipts"))["items"]!.AsArray();
        Assert.Equal(12_000L, receipts.Sum(receipt => Number(receipt!, "totalMinor")));
    }

    [Fact]
    public async Task Who_weighs_a_month_hears_of_a_run_and_its_parts_together()
    {
        var org = await site.NewOrgWithTariffAsync();
        var run = Across(1, 3600, 7200);
        await org.SayAsync([run]);
        await StoredAsync(org, 2);
        await org.RunReceiptsAsync("2017-02-01");

        using var usage = site.Service.Client(TestCaller.Admin(org.Id) with { Scopes = "runs.classify" });
        using var response = await usage.PostAsJsonAsync("/internal/v1/run-classes", new { jobKeys = new[] { run.JobKey } });
        var told = (await response.Content.ReadFromJsonAsync<JsonNode>())!["items"]!.AsArray().Single()!;
        Assert.Equal((run.JobKey, "billed", 3600L), (told["jobKey"]!.GetValue<string>(), told["class"]!.GetValue<string>(), Number(told, "chargedSeconds")));
        var part = told["parts"]!.AsArray().Single()!;
        Assert.Equal(("unbilled", 7200L), (part["class"]!.GetValue<string>(), Number(part, "chargedSeconds")));
    }

    private static RecordedRun Across(long number, long before, long after)
    {
        var run = Runs.Of("alice", number, seconds: before + after, endedAt: February.AddSeconds(after));
        return run;
    }

    private static async Task SayInTurnAsync(RatingOrg org, RecordedRun[] order)
    {
        var import = Guid.CreateVersion7();
        foreach (var (run, index) in order.Select((run, index) => (run, index)))
        {
            // A run of its own behind each says that what was before it has been dealt with.
            await org.SayAsync([run, Runs.Of("bob", 100 + index, seconds: 0)], import: import);
            await Wait.UntilAsync("the batch is stored", async () => Number((await RatingOrg.GetAsync(org.Admin, "/api/v1/usage/totals?user=bob")), "runs") == index + 1);
        }
    }

    private static async Task<IReadOnlyList<JsonNode>> StoredAsync(RatingOrg org, int rows) => await Wait.ForAsync("the run is stored", async () =>
    {
        var items = (await RatingOrg.GetAsync(org.User("alice"), "/api/v1/usage"))["items"]!.AsArray();
        return items.Count == rows ? items.Select(item => item!).ToList() : null;
    });

    private static async Task<IReadOnlyList<string>> MonthsAsync(RatingOrg org) =>
    [
        .. (await RatingOrg.GetAsync(org.User("alice"), "/api/v1/usage?view=aggregate"))["items"]!.AsArray()
            .Where(month => month!["amountMinor"]!.GetValue<long>() > 0)
            .Select(month => $"{month!["month"]!.GetValue<string>()} {Number(month, "runs")} {month["cpuCoreHours"]!.GetValue<decimal>():0}"),
    ];

    private static string Month(JsonNode part) => part["endedAt"]!.GetValue<DateTimeOffset>().AddHours(7).ToString("yyyy-MM", CultureInfo.InvariantCulture);

    private static long Number(JsonNode node, string name) => node[name]!.GetValue<long>();
}
