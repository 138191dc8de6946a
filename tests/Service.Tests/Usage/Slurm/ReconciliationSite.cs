using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>Usage with sources to poll, and rating with the tariffs of the demonstration, on one broker; what goes wrong between them is for a reconciliation to find.</summary>
internal sealed class ReconciliationSite : IAsyncDisposable
{
    public const string Secret = "secret-of-the-usage-service-in-a-test";

    private ReconciliationSite(RunningService usage, RunningService rating) => (Usage, Rating) = (usage, rating);

    public RunningService Usage { get; }

    public RunningService Rating { get; }

    /// <param name="servers">Database and broker.</param>
    /// <param name="zone">The site's zone.</param>
    /// <param name="settings">Of the usage service.</param>
    public static async Task<ReconciliationSite> StartAsync(Servers servers, string zone, params (string Key, string Value)[] settings)
    {
        RunningService rating = await servers.StartServiceAsync("Rating", new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Rating__TimeZone"] = zone, ["Rating__ReceiptRunPollMilliseconds"] = "100",
        });
        RunningService usage = await UsageClient.StartServiceAsync(
            servers,
            [
                ("ConnectionStrings__rabbitmq", rating.Settings["ConnectionStrings__rabbitmq"]), ("services__rating__http__0", rating.Address.ToString()),
                ("services__identity__http__0", servers.Issuer.Issuer), ("Usage__ClientSecret", Secret), .. settings,
            ]);
        return new ReconciliationSite(usage, rating);
    }

    public async Task<JsonNode> RequestAsync(string cluster, string month, string? idempotencyKey = null)
    {
        using HttpClient admin = Usage.Client(TestCaller.Admin());
        if (idempotencyKey is not null) admin.DefaultRequestHeaders.Add("Idempotency-Key", idempotencyKey);
        using HttpResponseMessage accepted = await admin.PostAsJsonAsync($"/api/v1/clusters/{cluster}/reconciliations", new { month });
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        JsonNode view = (await accepted.Content.ReadFromJsonAsync<JsonNode>())!;
        Assert.Equal($"/api/v1/clusters/{cluster}/reconciliations/{view["id"]}", accepted.Headers.Location!.ToString());
        return view;
    }

    /// <summary>Reconciles and waits for the end.</summary>
    public async Task<Reconciled> ReconcileAsync(string cluster, string month)
    {
        Guid id = (await RequestAsync(cluster, month))["id"]!.GetValue<Guid>();
        using HttpClient admin = Usage.Client(TestCaller.Admin());
        return await Wait.ForAsync("the reconciliation ends", async () =>
        {
            JsonNode document = (await admin.GetFromJsonAsync<JsonNode>($"/api/v1/clusters/{cluster}/reconciliations/{id}"))!;
            return document["reconciliation"]!["finishedAt"] is null ? null : new Reconciled(document);
        }, seconds: 120);
    }

    /// <summary>Everything that usage has stored has come to rating.</summary>
    public Task UntilRatedAsync() => Wait.UntilAsync("rating has every run", async () =>
        await Rating.ScalarAsync<long>("SELECT count(*) FROM runs") == await Usage.ScalarAsync<long>("SELECT count(*) FROM runs"));

    /// <summary>Bills everything that has ended.</summary>
    public async Task BillAsync()
    {
        using HttpClient admin = Rating.Client(TestCaller.Admin());
        using HttpResponseMessage run = await admin.PostAsJsonAsync("/api/v1/receipt-runs", new { });
        Guid id = (await run.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
        await Wait.UntilAsync("the receipt run ends", async () =>
            (await admin.GetFromJsonAsync<JsonNode>($"/api/v1/receipt-runs/{id}"))!["status"]!.GetValue<string>() == "succeeded");
    }

    public async ValueTask DisposeAsync()
    {
        await Usage.DisposeAsync();
        await Rating.DisposeAsync();
    }
}

/// <summary>A reconciliation as its reader sees it.</summary>
internal sealed record Reconciled(JsonNode Document)
{
    public JsonNode Head => Document["reconciliation"]!;

    public string Status => Head["status"]!.GetValue<string>();

    public long Differences => Head["differences"]!.GetValue<long>();

    public string? Error => Head["error"]?.GetValue<string>();

    /// <summary>TRES-seconds by resource: slurmdbd, stored, billed, unbilled, exempt, quarantined, difference.</summary>
    public IReadOnlyDictionary<string, string> Totals => Document["totals"]!.AsArray().ToDictionary(
        total => total!["tres"]!.GetValue<string>(),
        total => string.Join(' ', new[] { "slurmdbd", "stored", "billed", "unbilled", "exempt", "quarantined", "difference" }
            .Select(column => total![column]!.GetValue<decimal>().ToString(CultureInfo.InvariantCulture))),
        StringComparer.Ordinal);

    /// <summary>Kind, subject, and what is said here and there.</summary>
    public IReadOnlyList<string> Named => [.. Document["named"]!["items"]!.AsArray().Select(item => string.Join(' ',
        [
            item!["kind"]!.GetValue<string>(), item["jobId"]?.GetValue<string>() ?? "-",
            .. item["changes"]!.AsArray().Where(change => change!["fact"]!.GetValue<string>() is "charged_seconds" or "account" or "records" or "cpus")
                .Select(change => $"{change!["fact"]}:{change["here"]}>{change["there"]}"),
        ]))];

    public string Runs => string.Join(' ', Head["runs"]!.AsObject().Select(count => $"{count.Key}={count.Value}"));
}
