using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Rating;

/// <summary>A running rating service. Each test takes an org of its own, so that they do not see each other.</summary>
public class RatingSite(Servers servers) : IAsyncLifetime
{
    private static readonly Dictionary<string, string> Settings = new(StringComparer.Ordinal)
    {
        ["Rating__ReceiptRunWorkers"] = "16",
        ["Rating__ReceiptRunLeaseSeconds"] = "2",
        ["Rating__ReceiptRunPollMilliseconds"] = "100",
        ["Rating__TimeZone"] = "Asia/Bangkok",
        ["Messaging__RetriesMax"] = "1",
    };

    protected virtual string RunsAcrossMonths => "end";

    public RunningService Service { get; private set; } = null!;

    public BusProbe Bus { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var settings = new Dictionary<string, string>(Settings, StringComparer.Ordinal) { ["Rating__RunsAcrossMonths"] = RunsAcrossMonths };
        Service = await servers.StartServiceAsync("Rating", settings);
        Bus = await BusProbe.StartAsync(Service, typeof(ReceiptIssued), typeof(TariffPublished), typeof(AuditRecorded));
    }

    public async Task DisposeAsync()
    {
        await Bus.DisposeAsync();
        await Service.DisposeAsync();
    }

    /// <summary>A tenant with nothing in it.</summary>
    public RatingOrg NewOrg() => new(this, Guid.CreateVersion7());

    /// <summary>A tenant whose default tier costs 1 THB per core-hour, 10 per GPU-hour, 0.1 per GiB-hour since ever.</summary>
    public async Task<RatingOrg> NewOrgWithTariffAsync()
    {
        var org = NewOrg();
        await org.PublishTariffAsync("mu", 1m, 10m, 0.1m, "1970-01-02");
        return org;
    }
}

/// <summary>What a test does within its org.</summary>
public sealed class RatingOrg(RatingSite site, Guid id)
{
    public Guid Id => id;

    public HttpClient Admin => site.Service.Client(TestCaller.Admin(id));

    public HttpClient User(string username) => site.Service.Client(TestCaller.User(username, id));

    public async Task PublishTariffAsync(string tier, decimal cpu, decimal gpu, decimal memory, string? effectiveFrom = null)
    {
        using var response = await Admin.PostAsJsonAsync(
            "/formula", new { type = tier, cpuCoreHour = cpu, gpuHour = gpu, memoryGibHour = memory, effectiveFrom });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Says a batch on the bus, as the usage service does.</summary>
    public async Task SayAsync(IReadOnlyList<RecordedRun> runs, Guid? batch = null, Guid? import = null) =>
        await site.Bus.PublishAsync(new UsageRecorded(id, batch ?? Guid.CreateVersion7(), import ?? Guid.CreateVersion7(), runs));

    /// <summary>Says what runs made use of that were told before, as the usage service does.</summary>
    public async Task MeasureAsync(params RecordedRun[] runs) =>
        await site.Bus.PublishAsync(new UsageRecorded(id, Guid.CreateVersion7(), Guid.CreateVersion7(), runs) { AddsNoRun = true });

    /// <summary>Says a correction on the bus, as the usage service does.</summary>
    public async Task CorrectAsync(params RecordedRun[] runs) => await site.Bus.PublishAsync(new UsageCorrected(
        id, Guid.CreateVersion7(), Guid.CreateVersion7(), "slurmrestd", Runs.Noon, [.. runs.Select(run => new CorrectedRun(run, ["charged_seconds"]))]));

    /// <summary>Says the runs in batches of the usual size and waits until all are stored.</summary>
    public async Task StoreAsync(IReadOnlyList<RecordedRun> runs)
    {
        var before = (await TotalsAsync())["runs"]!.GetValue<long>();
        foreach (var batch in runs.Chunk(UsageRecorded.RunsMax)) await SayAsync(batch);
        await Wait.UntilAsync("the runs are stored", async () => (await TotalsAsync())["runs"]!.GetValue<long>() == before + runs.Count);
    }

    public Task<JsonNode> TotalsAsync() => GetAsync(Admin, "/api/v1/usage/totals");

    /// <summary>Starts a receipt run and waits for its end.</summary>
    public async Task<JsonNode> RunReceiptsAsync(string? until = null)
    {
        using var response = await Admin.PostAsJsonAsync("/api/v1/receipt-runs", new { until });
        Assert.Equal(System.Net.HttpStatusCode.Accepted, response.StatusCode);
        var run = await response.Content.ReadFromJsonAsync<JsonNode>();
        return await EndOfAsync(run!["id"]!.GetValue<Guid>());
    }

    public Task<JsonNode> EndOfAsync(Guid receiptRun) => Wait.ForAsync("the receipt run ends", async () =>
    {
        var run = await GetAsync(Admin, $"/api/v1/receipt-runs/{receiptRun}");
        return run["status"]!.GetValue<string>() is "succeeded" or "failed" ? run : null;
    });

    public async Task<Guid> IssueAsync(string username)
    {
        using var response = await User(username).PostAsJsonAsync("/api/v1/receipts", new { });
        Assert.Equal(System.Net.HttpStatusCode.Created, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
    }

    public static async Task<JsonNode> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return (await response.Content.ReadFromJsonAsync<JsonNode>())!;
    }

    /// <summary>The org's audit entry of an action, once it was said on the bus.</summary>
    public Task<AuditRecorded> AuditedAsync(string action) => Wait.ForAsync(
        $"{action} is audited", () => Task.FromResult(site.Bus.Heard<AuditRecorded>().FirstOrDefault(entry => entry.OrgId == id && entry.Action == action)));

    public int Audited(string action) => site.Bus.Heard<AuditRecorded>().Count(entry => entry.OrgId == id && entry.Action == action);
}
