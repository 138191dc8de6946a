using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using Npgsql;

namespace HpcBilling.Service.Tests.Rating;

/// <summary>Billed runs that change: the next receipt takes up the difference, and what was issued stays as it is.</summary>
[Collection(nameof(Servers))]
public sealed class AdjustingReceiptsTests(RatingSite site, Servers servers) : IClassFixture<RatingSite>
{
    [Fact]
    [Trait("Control", "DATA-03")]
    public async Task What_changed_is_one_line_on_the_next_receipt_and_the_first_stays_as_it_was()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        var first = await org.IssueAsync("alice");
        var before = await ReceiptAsync(org, first);

        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 7200, Account = "other", Tres = Tres(cpus: 1, memoryMib: 1024) });
        await org.StoreAsync([Runs.Of("alice", 2)]);
        var second = await org.IssueAsync("alice");

        Assert.Equal(before.ToJsonString(), (await ReceiptAsync(org, first)).ToJsonString());
        var receipt = await ReceiptAsync(org, second);
        Assert.Equal(("receipt", 1, 1, 100 + 120), (Text(receipt, "kind"), Number(receipt, "runs"), Number(receipt, "adjustments"), Number(receipt, "totalMinor")));
        Assert.Equal("2", Text(Assert.Single(receipt["items"]!.AsArray())!, "jobId"));
        var line = Assert.Single(receipt["adjustmentItems"]!.AsArray())!;
        Assert.Equal((2, "1", 2, "other"), (Number(line, "line"), Text(line, "jobId"), Number(line, "revision"), Text(line, "account")));
        Assert.Equal((first.ToString(), Text(before, "number")), (Text(line, "corrects"), Text(line, "correctsNumber")));
        Assert.Equal(["charged_seconds", "memory_mib"], line["changed"]!.AsArray().Select(fact => fact!.GetValue<string>()));
        Assert.Equal((100, 220, 120), (Number(line, "beforeMinor"), Number(line, "amountMinor"), Number(line, "differenceMinor")));
        Assert.Equal((100, 0, 20), (Number(line, "cpuDifferenceMinor"), Number(line, "gpuDifferenceMinor"), Number(line, "memoryDifferenceMinor")));
        Assert.Equal(line.ToJsonString(), Assert.Single((await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{second}/adjustments"))["items"]!.AsArray())!.ToJsonString());

        var usage = (await RatingOrg.GetAsync(org.User("alice"), "/api/v1/usage"))["items"]!.AsArray().Single(run => Text(run!, "jobId") == "1")!;
        Assert.Equal(("billed", 220, 7200, "other"), (Text(usage, "status"), Number(usage, "amountMinor"), Number(usage, "chargedSeconds"), Text(usage, "account")));
        Assert.Equal(first.ToString(), Text(usage, "receiptId"));
        await AssertBooksAsync(site.Service, org.Id);
    }

    [Fact]
    public async Task A_run_that_collapses_to_nothing_is_given_back_by_a_credit_note_that_is_paid_back_once()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        await org.IssueAsync("alice");
        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 0 });
        var note = await org.IssueAsync("alice");

        var issued = await ReceiptAsync(org, note);
        Assert.Equal(("credit_note", "issued", -100), (Text(issued, "kind"), Text(issued, "status"), Number(issued, "totalMinor")));
        Assert.Matches("^C-[0-9]{4}-000001$", Text(issued, "number"));
        Assert.Null(issued["firstEndedAt"]);
        var line = Assert.Single(issued["adjustmentItems"]!.AsArray())!;
        Assert.Equal((1, "zero_seconds", -100), (Number(line, "line"), Text(line, "reason"), Number(line, "differenceMinor")));
        Assert.Equal("-1.00 THB", (await org.AuditedAsync("credit_note.issued")).Details["total"]);
        var totals = await org.TotalsAsync();
        Assert.Equal((1, 0, 0, 0), (Number(totals, "billed"), Number(totals, "exempt"), Number(totals, "billedMinor"), Number(totals, "corrected")));
        Assert.DoesNotContain(site.Bus.Heard<ReceiptIssued>(), said => said.ReceiptId == note);
        Assert.Single((await RatingOrg.GetAsync(org.User("alice"), "/api/v1/receipts?kind=credit_note"))["items"]!.AsArray());

        Assert.Equal(HttpStatusCode.Forbidden, (await RefundAsync(org.User("alice"), note, "bank 17")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await RefundAsync(org.Admin, note, " ")).Status);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var (status, refunded) = await RefundAsync(org.Admin, note, "bank 17");
            Assert.Equal((HttpStatusCode.OK, "refunded", "bank 17", "admin"), (status, Text(refunded, "status"), Text(refunded, "refundNote"), Text(refunded, "refundedBy")));
        }

        Assert.Equal(HttpStatusCode.Conflict, (await RefundAsync(org.Admin, note, "cash")).Status);
        Assert.Equal("bank 17", (await org.AuditedAsync("credit_note.refunded")).Details["note"]);
        await site.Bus.PublishAsync(new PaymentSettled(org.Id, Guid.CreateVersion7(), note, "dummy", 100, "THB", Runs.Noon));
        await org.AuditedAsync("settlement.credit_note");
        Assert.Equal("refunded", Text(await ReceiptAsync(org, note), "status"));
        Assert.Equal(1, org.Audited("credit_note.refunded"));
        await AssertBooksAsync(site.Service, org.Id);
    }

    [Fact]
    public async Task A_receipt_is_not_paid_back()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        var (status, problem) = await RefundAsync(org.Admin, await org.IssueAsync("alice"), "bank 17");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("only a credit note", Text(problem, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Facts_that_cost_the_same_are_taken_up_without_a_line()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        await org.IssueAsync("alice");
        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 2, State = "FAILED", EndedAt = Runs.Noon.AddSeconds(1) });

        using var response = await org.User("alice").PostAsJsonAsync("/api/v1/receipts", new { });
        Assert.Equal("""{"status":"nothing_to_bill"}""", await response.Content.ReadAsStringAsync());
        Assert.Equal((2, "FAILED", 0L), await site.Service.ScalarAsync<(int, string, long)>(
            "SELECT revision, state, (SELECT count(*) FROM superseded_runs WHERE org_id = @Id AND adjusted_at IS NULL) FROM runs WHERE org_id = @Id", new { org.Id }));
    }

    [Fact]
    public async Task What_nobody_can_price_waits_and_says_what_for()
    {
        var org = await site.NewOrgWithTariffAsync();
        var first = new DateTimeOffset(1970, 1, 1, 12, 0, 0, TimeSpan.Zero);
        await org.StoreAsync([Runs.Of("alice", 1), Runs.Of("alice", 2), Runs.Of("alice", 3)]);
        await org.IssueAsync("alice");
        await CorrectAsync(
            org, Runs.Of("alice", 1) with { Revision = 2, EndedAt = null, State = "RUNNING" }, Runs.Of("alice", 2) with { Revision = 2, EndedAt = first },
            Runs.Of("alice", 3) with { Revision = 2, Username = "bob", ChargedSeconds = 1 });
        Assert.Equal(3, Number(await org.TotalsAsync(), "corrected"));

        Assert.Equal(0, Number(await org.RunReceiptsAsync(), "receipts"));
        Assert.Equal(
            ["unfinished", "no_tariff_in_force", "other_user"],
            await site.Service.QueryAsync<string>("SELECT waits_for FROM superseded_runs WHERE org_id = @Id ORDER BY job_key", new { org.Id }));
        Assert.Equal((300, 0), (Number(await org.TotalsAsync(), "billedMinor"), Number(await org.TotalsAsync(), "corrected")));

        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 3, ChargedSeconds = 1800 });
        var run = await org.RunReceiptsAsync();
        Assert.Equal((1, 1, 1, -50), (Number(run, "receipts"), Number(run, "creditNotes"), Number(run, "adjustments"), Number(run, "totalMinor")));
        await AssertBooksAsync(site.Service, org.Id);
    }

    [Fact]
    public async Task The_tier_is_the_one_that_was_billed_and_the_rate_that_of_the_new_end()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.PublishTariffAsync("gov", 9m, 0, 0, "1970-01-02");
        await org.StoreAsync([Runs.Of("alice", 1)]);
        var first = await org.IssueAsync("alice");
        using var put = await org.Admin.PutAsJsonAsync("/api/v1/tiers/alice", new { tier = "gov" });
        await org.PublishTariffAsync("mu", 2m, 0, 0);
        var published = await site.Service.ScalarAsync<DateTime>("SELECT max(effective_from) FROM tariffs WHERE org_id = @Id", new { org.Id });

        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 7200 });
        Assert.Equal(100, Number(await ReceiptAsync(org, await org.IssueAsync("alice")), "totalMinor"));
        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 3, ChargedSeconds = 7200, EndedAt = new DateTimeOffset(DateTime.SpecifyKind(published, DateTimeKind.Utc)) });
        var receipt = await ReceiptAsync(org, await org.IssueAsync("alice"));

        Assert.Equal(200, Number(receipt, "totalMinor"));
        Assert.Equal([1, 2], receipt["rates"]!.AsArray().Select(rate => Number(rate!, "version")));
        Assert.Equal(first.ToString(), Text(receipt["adjustmentItems"]![0]!, "corrects"));
        Assert.Equal(200, Number(receipt["adjustmentItems"]![0]!, "beforeMinor"));
        await AssertBooksAsync(site.Service, org.Id);
    }

    [Fact]
    public async Task Until_counts_the_end_that_was_billed_and_the_one_that_is_told()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1), Runs.Of("alice", 2, endedAt: Runs.Noon.AddDays(40))]);
        await org.IssueAsync("alice");
        await CorrectAsync(
            org, Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 7200, EndedAt = Runs.Noon.AddDays(40) },
            Runs.Of("alice", 2, endedAt: Runs.Noon.AddDays(40)) with { Revision = 2, ChargedSeconds = 7200, EndedAt = Runs.Noon.AddDays(50) });

        Assert.Equal(0, Number(await org.RunReceiptsAsync("2017-01-02"), "adjustments"));
        Assert.Equal(1, Number(await org.RunReceiptsAsync("2017-02-01"), "adjustments"));
        Assert.Equal(1, Number(await org.RunReceiptsAsync("2017-02-21"), "adjustments"));
        await AssertBooksAsync(site.Service, org.Id);
    }

    [Fact]
    public async Task Pages_go_from_the_runs_to_the_adjustments_and_lose_no_line()
    {
        var org = await site.NewOrgWithTariffAsync();
        var billed = Runs.Many("alice", 7);
        await org.StoreAsync(billed);
        await org.IssueAsync("alice");
        await CorrectAsync(org, [.. billed.Select(run => run with { Revision = 2, ChargedSeconds = 7200 })]);
        await org.StoreAsync(Runs.Many("alice", 4, firstNumber: 50));
        var id = await org.IssueAsync("alice");

        foreach (var limit in Enumerable.Range(1, 12))
        {
            var lines = new List<long>();
            var receipt = await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{id}?limit={limit}");
            while (true)
            {
                var page = receipt["items"]!.AsArray().Concat(receipt["adjustmentItems"]!.AsArray()).Select(line => Number(line!, "line")).ToList();
                Assert.InRange(page.Count, 1, limit);
                lines.AddRange(page);
                if (receipt["nextCursor"]?.GetValue<string>() is not { } cursor) break;
                receipt = await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{id}?limit={limit}&cursor={cursor}");
            }

            Assert.Equal(Enumerable.Range(1, 11).Select(line => (long)line), lines);
        }
    }

    [Theory]
    [Trait("Control", "DATA-01")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Corrections_and_receipts_in_any_order_end_with_lines_that_add_up_to_the_newest_price(int seed)
    {
        var random = new Random(seed);
        var org = await site.NewOrgWithTariffAsync();
        RecordedRun[] newest = [.. new[] { "alice", "bob" }.SelectMany((user, number) => Runs.Many(user, 15, firstNumber: 1 + (number * 100L)))];
        var told = new List<RecordedRun>(newest);
        await org.StoreAsync(newest);
        await org.RunReceiptsAsync();
        var messages = 1;
        for (var round = 0; round < 5; round++)
        {
            // Two revisions of some, old ones again, all mixed; and receipts of both kinds of asking meanwhile.
            var news = new List<RecordedRun>();
            for (var again = 0; again < 2; again++)
            {
                foreach (var index in Enumerable.Range(0, newest.Length).Where(_ => random.Next(3) > 0))
                    news.Add(newest[index] = Changed(newest[index], random, isLast: round == 4));
            }

            if (round == 4) news.AddRange(newest = [.. newest.Select(run => Changed(run, random, isLast: true))]);
            news.AddRange(Enumerable.Range(0, 10).Select(_ => told[random.Next(told.Count)]));
            told.AddRange(news);
            var batches = news.OrderBy(_ => random.Next()).Chunk(7).ToList();
            messages += batches.Count;
            var saying = batches.Select((batch, number) => number % 2 == 0 ? org.SayAsync(batch) : org.CorrectAsync(batch)).ToList();
            var asking = new[] { "alice", "bob", "alice" }.Select(user => org.User(user).PostAsJsonAsync("/api/v1/receipts", new { })).ToList();
            var running = Enumerable.Range(0, 2).Select(_ => org.RunReceiptsAsync()).ToList();
            await Task.WhenAll(saying);
            foreach (var response in await Task.WhenAll(asking)) Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
            Assert.All(await Task.WhenAll(running), run => Assert.Equal("succeeded", Text(run, "status")));
        }

        await SeenAsync(org, messages);
        await org.RunReceiptsAsync();

        await AssertBooksAsync(site.Service, org.Id);
        Assert.Equal(0, Number(await org.TotalsAsync(), "corrected"));
        Assert.Equal(0, await site.Service.ScalarAsync<long>("SELECT count(*) FROM superseded_runs WHERE org_id = @Id AND adjusted_at IS NULL", new { org.Id }));

        // The same facts in an org that never knew others.
        var control = await site.NewOrgWithTariffAsync();
        await control.StoreAsync(newest);
        const string PricesSql = "SELECT job_key || ' ' || rating || ' ' || coalesce(amount_minor, 0) FROM runs WHERE org_id = @Id ORDER BY job_key";
        Assert.Equal(
            await site.Service.QueryAsync<string>(PricesSql, new { control.Id }),
            await site.Service.QueryAsync<string>(PricesSql, new { org.Id }));
        Assert.Equal(Number(await control.TotalsAsync(), "amountMinor"), await site.Service.ScalarAsync<long>("SELECT sum(total_minor)::bigint FROM receipts WHERE org_id = @Id", new { org.Id }));
    }

    [Fact]
    [Trait("Control", "DATA-01")]
    public async Task Facts_that_are_adjusted_already_fail_the_receipt_whole()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        await org.IssueAsync("alice");
        await CorrectAsync(org, Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 7200 });
        await org.IssueAsync("alice");

        // As a bug would do it: the same facts are new again. The documents and the run disagree then, or the constraint holds.
        await org.StoreAsync([Runs.Of("alice", 2)]);
        await site.Service.ExecuteAsync(
            """
            UPDATE superseded_runs SET adjusted_at = NULL WHERE org_id = @Id;
            UPDATE runs SET revision = 1 WHERE org_id = @Id AND job_id = '1';
            UPDATE superseded_runs SET charged_seconds = 9000 WHERE org_id = @Id;
            """,
            new { org.Id });
        await AssertNothingIssuedAsync(org);
        await site.Service.ExecuteAsync("UPDATE runs SET cpu_minor = 100, amount_minor = 100 WHERE org_id = @Id AND job_id = '1'", new { org.Id });
        await AssertNothingIssuedAsync(org);
    }

    [Fact]
    public async Task A_service_killed_between_the_line_and_the_commit_loses_nothing_and_doubles_nothing()
    {
        await using var service = await servers.StartServiceAsync("Rating");
        await using var bus = await BusProbe.StartAsync(service, typeof(ReceiptIssued));
        var org = Guid.CreateVersion7();
        HttpClient Alice() => service.Client(TestCaller.User("alice", org));
        await service.Client(TestCaller.Admin(org)).PostAsJsonAsync("/formula", new { type = "mu", cpuCoreHour = 1, gpuHour = 1, memoryGibHour = 1, effectiveFrom = "1970-01-02" });
        await bus.PublishAsync(new UsageRecorded(org, Guid.CreateVersion7(), Guid.CreateVersion7(), [Runs.Of("alice", 1)]));
        await Wait.UntilAsync("the run is billed", async () => (await Alice().PostAsJsonAsync("/api/v1/receipts", new { })).StatusCode == HttpStatusCode.Created);
        await bus.PublishAsync(new UsageRecorded(org, Guid.CreateVersion7(), Guid.CreateVersion7(), [Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 7200 }]));
        await Wait.UntilAsync("the correction waits", async () => await service.ScalarAsync<long>("SELECT count(*) FROM superseded_runs WHERE org_id = @Org", new { Org = org }) == 1);

        // Whoever takes the correction up stands still here, with its line written.
        await using var holder = new NpgsqlConnection(service.Superuser);
        await holder.OpenAsync();
        await using var hold = await holder.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("SELECT 1 FROM superseded_runs WHERE org_id = $1 FOR UPDATE", holder, hold) { Parameters = { new() { Value = org } } })
            await command.ExecuteNonQueryAsync();
        var asked = Alice().PostAsJsonAsync("/api/v1/receipts", new { });
        await Wait.UntilAsync("the receipt stands still", async () => await service.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%superseded_runs%'", new { }) > 0);
        await service.KillAsync();
        await hold.RollbackAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => asked);

        await service.StartAsync();
        using var again = await Alice().PostAsJsonAsync("/api/v1/receipts", new { });
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        Assert.Equal((2L, 1L), await service.ScalarAsync<(long, long)>(
            "SELECT (SELECT count(*) FROM receipts WHERE org_id = @Org), (SELECT count(*) FROM receipt_adjustments WHERE org_id = @Org)", new { Org = org }));
        await AssertBooksAsync(service, org);
    }

    private async Task AssertNothingIssuedAsync(RatingOrg org)
    {
        using var response = await org.User("alice").PostAsJsonAsync("/api/v1/receipts", new { });
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal((2L, 1L, 1L), await site.Service.ScalarAsync<(long, long, long)>(
            """
            SELECT (SELECT count(*) FROM receipts WHERE org_id = @Id), (SELECT count(*) FROM receipt_adjustments WHERE org_id = @Id),
                (SELECT count(*) FROM runs WHERE org_id = @Id AND receipt_id IS NULL)
            """,
            new { org.Id }));
    }

    /// <summary>Every run's lines add up to what it costs, every document to its lines, every line goes on from those before it, and no number is missing.</summary>
    private static async Task AssertBooksAsync(RunningService service, Guid org)
    {
        Assert.Empty(await service.QueryAsync<string>(
            """
            SELECT format('%s: %s and %s', runs.job_key, runs.amount_minor, item.amount_minor + coalesce(adjusted.minor, 0))
            FROM runs JOIN receipt_items AS item ON item.org_id = runs.org_id AND item.job_key = runs.job_key
                LEFT JOIN (SELECT job_key, sum(difference_minor) AS minor FROM receipt_adjustments WHERE org_id = @Id GROUP BY job_key) AS adjusted
                    ON adjusted.job_key = runs.job_key
            WHERE runs.org_id = @Id AND coalesce(runs.amount_minor, 0) <> item.amount_minor + coalesce(adjusted.minor, 0)
            UNION ALL
            SELECT format('%s %s goes on from %s', line.job_key, line.revision, line.before_minor)
            FROM receipt_adjustments AS line JOIN receipt_items AS item ON item.org_id = line.org_id AND item.job_key = line.job_key
            WHERE line.org_id = @Id AND line.before_minor <> item.amount_minor + (
                SELECT coalesce(sum(difference_minor), 0) FROM receipt_adjustments AS earlier
                WHERE earlier.org_id = @Id AND earlier.job_key = line.job_key AND earlier.revision < line.revision)
            UNION ALL
            SELECT number FROM receipts WHERE org_id = @Id AND total_minor <> (
                SELECT sum(minor) FROM (
                    SELECT amount_minor AS minor FROM receipt_items WHERE org_id = @Id AND receipt_id = receipts.id
                    UNION ALL SELECT difference_minor FROM receipt_adjustments WHERE org_id = @Id AND receipt_id = receipts.id) AS lines)
            """,
            new { Id = org }));
        foreach (var series in new[] { "R", "C" })
        {
            var numbers = await service.QueryAsync<string>(
                "SELECT number FROM receipts WHERE org_id = @Id AND left(number, 1) = @series ORDER BY number", new { Id = org, series });
            Assert.Equal(Enumerable.Range(1, numbers.Count).Select(number => $"{number:000000}"), numbers.Select(number => number[7..]));
        }
    }

    private static RecordedRun Changed(RecordedRun run, Random random, bool isLast)
    {
        var never = random.Next(8) == 0;
        return run with
        {
            Revision = run.Revision + 1,
            StartedAt = never ? null : run.EndedAt?.AddHours(-1) ?? Runs.Noon,
            EndedAt = !isLast && random.Next(6) == 0 ? null : Runs.Noon.AddMinutes(random.Next(100)),
            ChargedSeconds = never ? 0 : random.Next(0, 20_000),
            Tres = Tres(random.Next(0, 4), random.Next(0, 3), random.Next(0, 4096)),
        };
    }

    private static AllocatedTres Tres(long cpus = 0, long gpus = 0, long memoryMib = 0) =>
        new(cpus, memoryMib, 1, gpus, null, new Dictionary<string, long>(StringComparer.Ordinal));

    /// <summary>Says a correction and waits until it is stored aside.</summary>
    private async Task CorrectAsync(RatingOrg org, params RecordedRun[] runs)
    {
        const string SeenSql = "SELECT count(*) FROM inbox WHERE org_id = @Id AND consumer = 'StoreRecordedUsage'";
        var before = await site.Service.ScalarAsync<long>(SeenSql, new { org.Id });
        await org.CorrectAsync(runs);
        await Wait.UntilAsync("the correction is consumed", async () => await site.Service.ScalarAsync<long>(SeenSql, new { org.Id }) == before + 1);
    }

    private Task SeenAsync(RatingOrg org, int messages) => Wait.UntilAsync("everything is consumed", async () => await site.Service.ScalarAsync<long>(
        "SELECT count(*) FROM inbox WHERE org_id = @Id AND consumer = 'StoreRecordedUsage'", new { org.Id }) == messages);

    private static Task<JsonNode> ReceiptAsync(RatingOrg org, Guid id) => RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{id}");

    private static async Task<(HttpStatusCode Status, JsonNode Body)> RefundAsync(HttpClient client, Guid id, string note)
    {
        using var response = await client.PostAsJsonAsync($"/api/v1/receipts/{id}/refund", new { note });
        return (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    private static long Number(JsonNode node, string name) => node[name]!.GetValue<long>();

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();
}
