using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using Npgsql;

namespace HpcBilling.Service.Tests.Rating;

/// <summary>Each run on one receipt, ever: under concurrency, after a crash, and by constraint.</summary>
[Collection(nameof(Servers))]
public sealed class BillingOnceTests(RatingSite site, Servers servers) : IClassFixture<RatingSite>
{
    private const int Users = 20;
    private const int RunsPerUser = 150;

    private const string StateSql = """
        SELECT (SELECT count(*) FROM receipt_items WHERE org_id = @Id) AS items,
            (SELECT count(DISTINCT job_key) FROM receipt_items WHERE org_id = @Id) AS runs,
            (SELECT count(*) FROM receipts WHERE org_id = @Id) AS receipts,
            (SELECT sum(total_minor) FROM receipts WHERE org_id = @Id) AS total,
            (SELECT sum(amount_minor) FROM runs WHERE org_id = @Id) AS priced
        """;

    [Fact]
    [Trait("Control", "DATA-01")]
    public async Task Sixteen_receipt_runs_at_once_bill_each_run_once()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync(UsageOf(Users));

        // Besides the receipt runs, every user asks for his own at the same time.
        var requests = Enumerable.Range(0, 16).Select(_ => org.RunReceiptsAsync()).ToList();
        var own = Enumerable.Range(0, Users).Select(number => org.User(Name(number)).PostAsJsonAsync("/api/v1/receipts", new { })).ToList();
        var ends = await Task.WhenAll(requests);
        foreach (var response in await Task.WhenAll(own)) Assert.True(response.IsSuccessStatusCode);

        Assert.All(ends, end => Assert.Equal("succeeded", end["status"]!.GetValue<string>()));
        await AssertBilledOnceAsync(site.Service, org.Id);
    }

    [Fact]
    [Trait("Control", "DATA-01")]
    public async Task Usage_that_changes_while_it_is_billed_ends_on_one_receipt_with_the_amount_of_its_run()
    {
        var org = await site.NewOrgWithTariffAsync();
        var usage = UsageOf(Users);
        await org.StoreAsync(usage);

        var updates = usage.Select(run => run with { Revision = 2, ChargedSeconds = run.ChargedSeconds + 3600 }).Chunk(100).ToList();
        var runs = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => org.RunReceiptsAsync()));
        await Task.WhenAll(updates.Select(batch => org.SayAsync(batch)));
        await runs;
        var stored = (usage.Length / 500) + (usage.Length % 500 > 0 ? 1 : 0) + updates.Count;
        await Wait.UntilAsync("the updates are consumed", async () =>
            await site.Service.ScalarAsync<long>("SELECT count(*) FROM inbox WHERE org_id = @Id", new { org.Id }) == stored);
        var (billedOld, aside) = await site.Service.ScalarAsync<(long, long)>(
            "SELECT (SELECT count(*) FROM runs WHERE org_id = @Id AND revision = 1), (SELECT count(*) FROM superseded_runs WHERE org_id = @Id AND adjusted_at IS NULL)",
            new { org.Id });
        Assert.Equal(billedOld, aside);

        await org.RunReceiptsAsync();
        await AssertBilledOnceAsync(site.Service, org.Id);
        Assert.Equal((0L, 0L), await site.Service.ScalarAsync<(long, long)>(
            "SELECT (SELECT count(*) FROM runs WHERE org_id = @Id AND revision = 1), (SELECT count(*) FROM superseded_runs WHERE org_id = @Id AND adjusted_at IS NULL)",
            new { org.Id }));
    }

    [Fact]
    public async Task A_receipt_run_killed_in_the_middle_goes_on_where_it_was()
    {
        await using var service = await servers.StartServiceAsync("Rating", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Rating__ReceiptRunLeaseSeconds"] = "2",
            ["Rating__ReceiptRunPollMilliseconds"] = "100",
        });
        await using var bus = await BusProbe.StartAsync(service, typeof(ReceiptIssued), typeof(AuditRecorded));
        var org = Guid.CreateVersion7();
        HttpClient Admin() => service.Client(TestCaller.Admin(org));
        await Admin().PostAsJsonAsync("/formula", new { type = "mu", cpuCoreHour = 1, gpuHour = 1, memoryGibHour = 1, effectiveFrom = "1970-01-02" });
        foreach (var batch in UsageOf(Users).Chunk(500))
            await bus.PublishAsync(new UsageRecorded(org, Guid.CreateVersion7(), Guid.CreateVersion7(), batch));
        await Wait.UntilAsync("the runs are stored", async () =>
            await service.ScalarAsync<long>("SELECT count(*) FROM runs WHERE org_id = @Org", new { Org = org }) == Users * RunsPerUser);

        // Holds one run of a user in the middle, so that the receipt run stands still there, within his transaction.
        await using var holder = new NpgsqlConnection(service.Superuser);
        await holder.OpenAsync();
        await using var hold = await holder.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("SELECT 1 FROM runs WHERE org_id = $1 AND username = $2 FOR UPDATE", holder, hold)
        {
            Parameters = { new() { Value = org }, new() { Value = Name(Users / 2) } },
        }) await command.ExecuteNonQueryAsync();

        using var accepted = await Admin().PostAsJsonAsync("/api/v1/receipt-runs", new { });
        var id = (await accepted.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        await Wait.UntilAsync("the receipt run is in the middle", async () =>
            (await RatingOrg.GetAsync(Admin(), $"/api/v1/receipt-runs/{id}"))["usersDone"]!.GetValue<int>() == Users / 2);
        await service.KillAsync();
        await hold.RollbackAsync();
        Assert.Equal(Users / 2, await service.ScalarAsync<long>("SELECT count(*) FROM receipts WHERE org_id = @Org", new { Org = org }));

        await service.StartAsync();
        await Wait.UntilAsync("the receipt run has succeeded", async () =>
            (await RatingOrg.GetAsync(Admin(), $"/api/v1/receipt-runs/{id}"))["status"]!.GetValue<string>() == "succeeded");
        await AssertBilledOnceAsync(service, org);
        await Wait.UntilAsync("every receipt is announced", () =>
            Task.FromResult(bus.Heard<ReceiptIssued>().DistinctBy(said => said.ReceiptId).Count() == Users));
        var run = await RatingOrg.GetAsync(Admin(), $"/api/v1/receipt-runs/{id}");
        Assert.Equal((Users, Users, Users * RunsPerUser), (run["usersDone"]!.GetValue<int>(), run["receipts"]!.GetValue<int>(), run["runs"]!.GetValue<int>()));
    }

    [Fact]
    [Trait("Control", "DATA-01")]
    public async Task A_receipt_with_a_run_that_is_billed_already_fails_whole()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([.. Runs.Many("alice", 5)]);
        await org.IssueAsync("alice");
        await org.StoreAsync([.. Runs.Many("alice", 5, firstNumber: 50)]);

        // As a bug would do it: one run that is on a receipt looks unbilled again.
        await site.Service.ExecuteAsync(
            "UPDATE runs SET receipt_id = NULL WHERE job_key = (SELECT min(job_key) FROM receipt_items WHERE org_id = @Id) AND org_id = @Id", new { org.Id });
        using var response = await org.User("alice").PostAsJsonAsync("/api/v1/receipts", new { });

        Assert.Equal(System.Net.HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal((1L, 5L), await site.Service.ScalarAsync<(long, long)>(
            "SELECT (SELECT count(*) FROM receipts WHERE org_id = @Id), (SELECT count(*) FROM receipt_items WHERE org_id = @Id)", new { org.Id }));
        Assert.Equal(1, await site.Service.ScalarAsync<long>("SELECT last FROM receipt_counters WHERE org_id = @Id", new { org.Id }));
    }

    [Fact]
    public async Task One_user_whose_receipt_cannot_be_issued_keeps_nobody_else_from_his()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1), Runs.Of("bob", 2), Runs.Of("carol", 3)]);
        await org.IssueAsync("alice");
        await site.Service.ExecuteAsync("UPDATE runs SET receipt_id = NULL WHERE org_id = @Id", new { org.Id });

        using var accepted = await org.Admin.PostAsJsonAsync("/api/v1/receipt-runs", new { });
        var id = (await accepted.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        var run = await Wait.ForAsync("the run says what failed", async () =>
        {
            var state = await RatingOrg.GetAsync(org.Admin, $"/api/v1/receipt-runs/{id}");
            return state["error"] is null ? null : state;
        });

        Assert.Contains("alice", run["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(2, run["receipts"]!.GetValue<int>());
        Assert.Equal("queued", run["status"]!.GetValue<string>());
    }

    [Theory]
    [Trait("Control", "DATA-02")]
    [InlineData("UPDATE receipts SET total_minor = 1", "42501")]
    [InlineData("DELETE FROM receipts", "42501")]
    [InlineData("UPDATE receipt_items SET amount_minor = 1", "42501")]
    [InlineData("DELETE FROM receipt_items", "42501")]
    [InlineData("UPDATE receipt_adjustments SET cpu_minor = 1", "42501")]
    [InlineData("DELETE FROM receipt_adjustments", "42501")]
    [InlineData("UPDATE receipts SET kind = 'credit_note'", "42501")]
    [InlineData("UPDATE tariffs SET cpu_core_hour = 0", "42501")]
    [InlineData("UPDATE receipts SET status = 'issued', settled_at = NULL, provider = NULL WHERE status = 'paid'", "23514")]
    [InlineData("UPDATE receipts SET status = 'refunded'", "23514")]
    [InlineData("UPDATE receipts SET status = 'paid' WHERE status = 'issued'", "23514")]
    [InlineData("UPDATE runs SET amount_minor = amount_minor + 1", "23514")]
    [InlineData("UPDATE runs SET rating = 'free'", "23514")]
    public async Task The_service_cannot_rewrite_what_was_issued(string statement, string error)
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1, seconds: 1), Runs.Of("bob", 2)]);
        await org.IssueAsync("alice");
        await org.IssueAsync("bob");

        await using var connection = new NpgsqlConnection(site.Service.Settings["ConnectionStrings__rating"]);
        await connection.OpenAsync();
        await using var enter = new NpgsqlCommand("SELECT set_config('app.org_id', $1, false)", connection) { Parameters = { new() { Value = org.Id.ToString() } } };
        await enter.ExecuteNonQueryAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
        Assert.Equal(error, refusal.SqlState);
    }

    [Fact]
    [Trait("Control", "AUTHZ-05")]
    public async Task A_query_that_forgets_the_org_sees_no_other_orgs_rows()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        await org.IssueAsync("alice");
        await org.CorrectAsync(Runs.Of("alice", 1) with { Revision = 2, ChargedSeconds = 0 });
        await Wait.UntilAsync("the correction waits", async () => (await org.TotalsAsync())["corrected"]!.GetValue<long>() == 1);
        await org.IssueAsync("alice");

        await using var connection = new NpgsqlConnection(site.Service.Settings["ConnectionStrings__rating"]);
        await connection.OpenAsync();
        foreach (var (tenant, rows) in new[] { (org.Id, 1L), (Guid.CreateVersion7(), 0L) })
        {
            foreach (var table in new[] { "runs", "receipts WHERE kind = 'receipt'", "receipt_items", "tariffs", "receipt_counters", "import_batches", "superseded_runs", "receipt_adjustments", "credit_note_counters" })
            {
                await using var enter = new NpgsqlCommand("SELECT set_config('app.org_id', $1, false)", connection) { Parameters = { new() { Value = tenant.ToString() } } };
                await enter.ExecuteNonQueryAsync();
                await using var count = new NpgsqlCommand($"SELECT count(*) FROM {table}", connection);
                Assert.Equal(rows, await count.ExecuteScalarAsync());
            }
        }
    }

    private static async Task AssertBilledOnceAsync(RunningService service, Guid org)
    {
        var state = await service.ScalarAsync<State>(StateSql, new { Id = org });
        Assert.Equal(Users * RunsPerUser, state.Items);
        Assert.Equal(state.Items, state.Runs);
        Assert.Equal(state.Priced, state.Total);
        var wrong = await service.QueryAsync<string>(
            """
            SELECT number FROM receipts WHERE org_id = @Id AND total_minor <> (
                SELECT coalesce(sum(minor), 0) FROM (
                    SELECT amount_minor AS minor FROM receipt_items WHERE receipt_items.org_id = @Id AND receipt_id = receipts.id
                    UNION ALL SELECT difference_minor FROM receipt_adjustments WHERE receipt_adjustments.org_id = @Id AND receipt_id = receipts.id) AS lines)
            """,
            new { Id = org });
        Assert.Empty(wrong);
        var numbers = await service.QueryAsync<string>("SELECT number FROM receipts WHERE org_id = @Id ORDER BY number", new { Id = org });
        Assert.Equal(Enumerable.Range(1, (int)state.Receipts).Select(number => $"{number:000000}"), numbers.Select(number => number[7..]));
    }

    private static RecordedRun[] UsageOf(int users) =>
        [.. Enumerable.Range(0, users).SelectMany(number => Runs.Many(Name(number), RunsPerUser, firstNumber: number * 10_000L))];

    private static string Name(int number) => $"user{number:00}";

    private sealed record State(long Items, long Runs, long Receipts, decimal Total, decimal Priced);
}
