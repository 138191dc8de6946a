using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Rating;

[Collection(nameof(Servers))]
public sealed class PublishingTariffsTests(RatingSite site) : IClassFixture<RatingSite>
{
    [Fact]
    public async Task The_demo_rates_are_there_for_anybody()
    {
        using var anybody = site.Service.Client(null);
        foreach (var tier in new[] { "mu", "gov", "private" })
        {
            var formula = await RatingOrg.GetAsync(anybody, $"/formula?type={tier}");
            Assert.Equal((tier, 1, "THB"), (formula["type"]!.GetValue<string>(), formula["version"]!.GetValue<int>(), formula["currency"]!.GetValue<string>()));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await anybody.GetAsync("/formula?type=gold")).StatusCode);
    }

    [Fact]
    public async Task Who_has_the_rates_already_is_told_so_until_they_change()
    {
        var org = await site.NewOrgWithTariffAsync();
        using var first = await org.Admin.GetAsync("/formula?type=mu");
        var tag = first.Headers.ETag!;
        Assert.False(tag.IsWeak);
        Assert.Equal(HttpStatusCode.NotModified, (await GetAsync(org, tag.Tag)).StatusCode);
        Assert.Equal(HttpStatusCode.NotModified, (await GetAsync(org, $"\"other\", {tag.Tag}")).StatusCode);

        await org.PublishTariffAsync("mu", 2m, 20m, 0.2m);
        using var changed = await GetAsync(org, tag.Tag);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.NotEqual(tag, changed.Headers.ETag);
        Assert.Contains("\"cpuCoreHour\":2,", await changed.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_published_tariff_is_audited_with_the_old_and_the_new_rates_and_announced()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.PublishTariffAsync("mu", 2m, 20m, 0.25m);
        var said = await Wait.ForAsync("TariffPublished", () =>
            Task.FromResult(site.Bus.Heard<TariffPublished>().SingleOrDefault(tariff => tariff.OrgId == org.Id && tariff.Version == 2)));
        Assert.Equal((2m, 20m, 0.25m), (said.CpuCoreHour, said.GpuHour, said.MemoryGibHour));

        var entry = await Wait.ForAsync("audit", () => Task.FromResult(site.Bus.Heard<AuditRecorded>()
            .SingleOrDefault(entry => entry.OrgId == org.Id && entry.Action == "tariff.published" && entry.Details["version"] == "2")));
        Assert.Equal(("admin", "tariff:mu"), (entry.Actor, entry.Subject));
        Assert.Equal("cpuCoreHour=1 gpuHour=10 memoryGibHour=0.1", entry.Details["oldRates"]);
        Assert.Equal("cpuCoreHour=2 gpuHour=20 memoryGibHour=0.25", entry.Details["newRates"]);
    }

    [Fact]
    public async Task A_new_version_prices_the_runs_that_end_after_it_and_no_others()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        await org.PublishTariffAsync("mu", 7m, 0, 0);
        await org.StoreAsync([Runs.Of("alice", 2), Runs.Of("alice", 3, endedAt: DateTimeOffset.UtcNow.AddMinutes(1))]);
        Assert.Equal(100 + 100 + 700, (await org.TotalsAsync())["amountMinor"]!.GetValue<long>());
    }

    [Theory]
    [InlineData("""{"type":"gold","cpuCoreHour":1,"gpuHour":1,"memoryGibHour":1}""", "type")]
    [InlineData("""{"cpuCoreHour":1,"gpuHour":1,"memoryGibHour":1}""", "type")]
    [InlineData("""{"type":"mu","gpuHour":1,"memoryGibHour":1}""", "cpuCoreHour")]
    [InlineData("""{"type":"mu","cpuCoreHour":1,"gpuHour":-1,"memoryGibHour":1}""", "gpuHour")]
    [InlineData("""{"type":"mu","cpuCoreHour":1,"gpuHour":1,"memoryGibHour":1000001}""", "memoryGibHour")]
    [InlineData("""{"type":"mu","cpuCoreHour":0.0000001,"gpuHour":1,"memoryGibHour":1}""", "cpuCoreHour")]
    [InlineData("""{"type":"mu","cpuCoreHour":1,"gpuHour":1,"memoryGibHour":1,"effectiveFrom":"2017-01-01"}""", "effectiveFrom")]
    [InlineData("""{"type":"mu","cpuCoreHour":1,"gpuHour":1,"memoryGibHour":1,"effectiveFrom":"soon"}""", "effectiveFrom")]
    public async Task A_bad_tariff_is_refused_by_field_and_changes_nothing(string body, string field)
    {
        var org = await site.NewOrgWithTariffAsync();
        using var response = await org.Admin.PostAsync("/formula", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.NotNull((await response.Content.ReadFromJsonAsync<JsonNode>())!["errors"]![field]);
        Assert.Equal(1, (await RatingOrg.GetAsync(org.Admin, "/formula?type=mu"))["version"]!.GetValue<int>());
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task Rates_and_tiers_are_for_admins()
    {
        var org = await site.NewOrgWithTariffAsync();
        var rates = new { type = "mu", cpuCoreHour = 0, gpuHour = 0, memoryGibHour = 0 };
        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("alice").PostAsJsonAsync("/formula", rates)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("alice").PutAsJsonAsync("/api/v1/tiers/alice", new { tier = "gov" })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await org.User("alice").GetAsync("/api/v1/tiers/alice")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await site.Service.Client(null).PostAsJsonAsync("/formula", rates)).StatusCode);

        var readOnly = TestCaller.Admin(org.Id) with { Scopes = "usage.read" };
        Assert.Equal(HttpStatusCode.Forbidden, (await site.Service.Client(readOnly).PostAsJsonAsync("/formula", rates)).StatusCode);
    }

    [Fact]
    public async Task All_tiers_are_listed_with_what_is_in_force_and_what_was_and_will_be()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.PublishTariffAsync("mu", 2m, 2m, 2m, "2099-01-01");
        var list = await RatingOrg.GetAsync(org.User("alice"), "/api/v1/tariffs");

        var tiers = list["tiers"]!.AsArray();
        Assert.Equal(["mu", "gov", "private"], tiers.Select(tier => tier!["tier"]!.GetValue<string>()));
        Assert.Equal(1, tiers[0]!["current"]!["version"]!.GetValue<int>());
        Assert.Equal([2, 1], tiers[0]!["history"]!.AsArray().Select(version => version!["version"]!.GetValue<int>()));
        Assert.Null(tiers[1]!["current"]);
    }

    [Fact]
    public async Task An_estimate_is_what_the_run_will_cost()
    {
        var org = await site.NewOrgWithTariffAsync();
        var estimate = await RatingOrg.GetAsync(org.Admin, "/api/v1/estimate?tier=mu&cores=12&gpus=2&memoryGib=30.2734375&hours=253.451666667");
        await org.StoreAsync([Runs.Of("alice", 1, seconds: 912_426, cpus: 12, gpus: 2, memoryMib: 31_000)]);
        Assert.Equal((await org.TotalsAsync())["amountMinor"]!.GetValue<long>(), estimate["amountMinor"]!.GetValue<long>());
    }

    [Theory]
    [InlineData("cores=-1&hours=1", "cores")]
    [InlineData("cores=1", "hours")]
    [InlineData("cores=1&hours=1000000", "hours")]
    [InlineData("hours=1&memoryGib=999999999999", "memoryGib")]
    [InlineData("hours=1&tier=gold", "tier")]
    public async Task A_bad_estimate_is_refused_by_field(string query, string field)
    {
        using var response = await site.Service.Client(null).GetAsync("/api/v1/estimate?" + query);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.NotNull((await response.Content.ReadFromJsonAsync<JsonNode>())!["errors"]![field]);
    }

    private static async Task<HttpResponseMessage> GetAsync(RatingOrg org, string tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/formula?type=mu");
        request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        return await org.Admin.SendAsync(request);
    }
}
