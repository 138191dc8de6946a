using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Rating;

[Collection(nameof(Servers))]
public sealed class IssuingReceiptsTests(RatingSite site) : IClassFixture<RatingSite>
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task A_receipt_lists_every_unbilled_run_and_sums_their_amounts()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync(Runs.Many("alice", 250));
        await org.StoreAsync([Runs.Of("bob", 1000)]);
        var id = await org.IssueAsync("alice");

        var alice = org.User("alice");
        var receipt = await RatingOrg.GetAsync(alice, $"/api/v1/receipts/{id}");
        var lines = await AllItemsAsync(alice, $"/api/v1/receipts/{id}/items?limit=99");
        Assert.Equal(250, receipt["runs"]!.GetValue<int>());
        Assert.Equal(250, lines.Select(line => line["jobKey"]!.GetValue<string>()).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(Enumerable.Range(1, 250), lines.Select(line => line["line"]!.GetValue<int>()));
        Assert.Equal(receipt["totalMinor"]!.GetValue<long>(), lines.Sum(line => line["amountMinor"]!.GetValue<long>()));
        Assert.Equal("issued", receipt["status"]!.GetValue<string>());

        var issued = await Wait.ForAsync("ReceiptIssued", () => Task.FromResult(site.Bus.Heard<ReceiptIssued>().SingleOrDefault(said => said.ReceiptId == id)));
        Assert.Equal((org.Id, "alice", receipt["totalMinor"]!.GetValue<long>(), "THB"), (issued.OrgId, issued.Username, issued.TotalMinor, issued.Currency));
        Assert.Equal($"receipt:{issued.Number}", (await org.AuditedAsync("receipt.issued")).Subject);
    }

    [Fact]
    public async Task Asking_again_says_that_nothing_is_left()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        await org.IssueAsync("alice");

        using var again = await org.User("alice").PostAsJsonAsync("/api/v1/receipts", new { });
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal("""{"status":"nothing_to_bill"}""", await again.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_body_is_not_needed()
    {
        var org = await site.NewOrgWithTariffAsync();
        using var response = await org.User("alice").PostAsync("/api/v1/receipts", content: null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Until_is_the_start_of_the_day_in_the_sites_zone_and_exclusive()
    {
        var org = await site.NewOrgWithTariffAsync();
        var midnightInBangkok = new DateTimeOffset(2017, 1, 1, 17, 0, 0, TimeSpan.Zero);
        await org.StoreAsync([Runs.Of("alice", 1, endedAt: midnightInBangkok.AddTicks(-10)), Runs.Of("alice", 2, endedAt: midnightInBangkok)]);

        Assert.Equal(1, (await org.RunReceiptsAsync("2017-01-02"))["runs"]!.GetValue<int>());
        Assert.Equal(0, (await org.RunReceiptsAsync("2017-01-02"))["runs"]!.GetValue<int>());
        Assert.Equal(1, (await org.RunReceiptsAsync("2017-01-01T17:00:00.000001Z"))["runs"]!.GetValue<int>());
    }

    [Fact]
    public async Task Receipt_numbers_have_no_gap()
    {
        var org = await site.NewOrgWithTariffAsync();
        string[] users = [.. Enumerable.Range(0, 12).Select(number => $"user{number}")];
        await org.StoreAsync([.. users.Select((user, number) => Runs.Of(user, number))]);
        await Task.WhenAll(users.Select(org.IssueAsync));

        var numbers = await site.Service.QueryAsync<string>("SELECT number FROM receipts WHERE org_id = @Id ORDER BY number", new { org.Id });
        Assert.Equal(Enumerable.Range(1, 12).Select(number => $"{number:000000}"), numbers.Select(number => number[7..]));
    }

    [Fact]
    [Trait("Control", "DATA-03")]
    public async Task A_later_rate_change_alters_no_issued_receipt()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync(Runs.Many("alice", 5));
        var id = await org.IssueAsync("alice");
        var before = (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{id}")).ToJsonString();

        await org.PublishTariffAsync("mu", 99m, 99m, 99m);
        await org.StoreAsync([Runs.Of("alice", 77)]);
        Assert.Equal(before, (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{id}")).ToJsonString());
    }

    [Fact]
    public async Task A_receipt_over_nothing_is_paid_from_the_start()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1, seconds: 1)]);
        var receipt = await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{await org.IssueAsync("alice")}");
        Assert.Equal((0, "paid", "none"), (receipt["totalMinor"]!.GetValue<long>(), receipt["status"]!.GetValue<string>(), receipt["provider"]!.GetValue<string>()));
    }

    [Fact]
    [Trait("Control", "AUTHZ-03")]
    public async Task Another_users_receipt_is_not_found_and_an_admin_sees_it()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1), Runs.Of("bob", 2)]);
        var id = await org.IssueAsync("alice");

        foreach (var path in new[] { $"/api/v1/receipts/{id}", $"/api/v1/receipts/{id}/items" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await org.User("bob").GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await site.NewOrg().Admin.GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await org.Admin.GetAsync(path)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("bob").GetAsync("/api/v1/receipts?user=alice")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("bob").GetAsync("/api/v1/usage?user=*")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("bob").GetAsync("/api/v1/usage/totals?user=alice")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("bob").PostAsJsonAsync("/api/v1/receipt-runs", new { })).StatusCode);
        Assert.Empty((await RatingOrg.GetAsync(org.User("bob"), "/api/v1/receipts"))["items"]!.AsArray());
        Assert.Single((await RatingOrg.GetAsync(org.Admin, "/api/v1/receipts"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Lists_go_on_where_the_page_before_ended()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([.. Runs.Many("alice", 23), .. Runs.Many("bob", 7, firstNumber: 100)]);
        await org.IssueAsync("alice");

        var all = await AllItemsAsync(org.Admin, "/api/v1/usage?user=*&limit=4");
        Assert.Equal(30, all.Select(run => run["jobKey"]!.GetValue<string>()).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(23, (await AllItemsAsync(org.Admin, "/api/v1/usage?user=*&view=billed&limit=10")).Count);
        var groups = await AllItemsAsync(org.Admin, "/api/v1/usage?user=*&view=aggregate&limit=1");
        Assert.Equal([("alice", 23L), ("bob", 7L)], groups.Select(group => (group["username"]!.GetValue<string>(), group["runs"]!.GetValue<long>())));
    }

    [Theory]
    [InlineData("/api/v1/usage?view=everything", "view")]
    [InlineData("/api/v1/usage?from=yesterday", "from")]
    [InlineData("/api/v1/usage?to=2017-01-02T00:00:00", "to")]
    [InlineData("/api/v1/usage?limit=501", "limit")]
    [InlineData("/api/v1/usage?cursor=abc", "cursor")]
    [InlineData("/api/v1/usage?cursor=WyJ4IiwieSJd", "cursor")]
    [InlineData("/api/v1/receipts?status=open", "status")]
    [InlineData("/api/v1/receipts?cursor=WyJ4Il0", "cursor")]
    public async Task A_bad_parameter_is_refused_by_name(string path, string field)
    {
        using var response = await site.NewOrg().Admin.GetAsync(path);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.NotNull((await response.Content.ReadFromJsonAsync<JsonNode>())!["errors"]![field]);
    }

    [Fact]
    public async Task The_same_idempotency_key_is_the_same_receipt_run()
    {
        var org = site.NewOrg();
        var first = await RequestAsync(org, "key-1", "2017-01-02");
        var again = await RequestAsync(org, "key-1", "2017-01-02");
        var other = await RequestAsync(org, "key-1", "2017-01-03");

        Assert.Equal(HttpStatusCode.Accepted, again.Status);
        Assert.Equal(first.Id, again.Id);
        Assert.Equal(HttpStatusCode.Conflict, other.Status);
        await org.AuditedAsync("receipt_run.finished");
        Assert.Equal(1, org.Audited("receipt_run.requested"));
    }

    [Fact]
    public async Task A_receipt_looks_as_agreed()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.PublishTariffAsync("private", 2.5m, 60m, 0.25m, "1970-01-02");
        using var put = await org.Admin.PutAsJsonAsync("/api/v1/tiers/carol", new { tier = "private" });
        await org.StoreAsync(
        [
            Runs.Of("carol", 1, seconds: 912_426, cpus: 12, gpus: 2, memoryMib: 31_000),
            Runs.Of("carol", 2, seconds: 84, cpus: 8, memoryMib: 24_000, endedAt: Runs.Noon.AddMinutes(1)),
            Runs.Of("carol", 3, seconds: 1, endedAt: Runs.Noon.AddMinutes(2)),
        ]);
        var receipt = await RatingOrg.GetAsync(org.User("carol"), $"/api/v1/receipts/{await org.IssueAsync("carol")}");

        // What every receipt has differently.
        receipt["id"] = "<id>";
        receipt["number"] = "R-<year>" + receipt["number"]!.GetValue<string>()[6..];
        receipt["issuedAt"] = "<now>";
        receipt["until"] = "<now>";
        var golden = Path.Combine(Repository.Root, "tests/Service.Tests/Rating/receipt.golden.json");
        Assert.Equal((await File.ReadAllTextAsync(golden)).TrimEnd(), receipt.ToJsonString(Indented));
    }

    private static async Task<List<JsonNode>> AllItemsAsync(HttpClient client, string path)
    {
        var items = new List<JsonNode>();
        string? cursor = null;
        do
        {
            var page = await RatingOrg.GetAsync(client, cursor is null ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}cursor={cursor}");
            items.AddRange(page["items"]!.AsArray().Select(item => item!));
            cursor = page["nextCursor"]?.GetValue<string>();
        }
        while (cursor is not null && items.Count < 10_000);
        return items;
    }

    private static async Task<(HttpStatusCode Status, Guid? Id)> RequestAsync(RatingOrg org, string key, string until)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/receipt-runs") { Content = JsonContent.Create(new { until }) };
        request.Headers.Add("Idempotency-Key", key);
        using var response = await org.Admin.SendAsync(request);
        var body = await response.Content.ReadFromJsonAsync<JsonNode>();
        return (response.StatusCode, body!["id"]?.GetValue<Guid>());
    }
}
