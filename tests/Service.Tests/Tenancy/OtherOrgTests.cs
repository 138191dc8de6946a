using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.Service.Tests.Rating;

namespace HpcBilling.Service.Tests.Tenancy;

/// <summary>
/// Every route with an id, asked by people who have nothing to do with the thing: another org's id is forbidden and on record in the
/// asker's own log, a colleague's is not found.
/// </summary>
[Collection(nameof(Servers))]
[Trait("Control", "AUTHZ-04")]
public sealed class OtherOrgTests(EveryService site) : IClassFixture<EveryService>, IAsyncLifetime
{
    // Names, not ids: each org has its own alice and its own clusters, and nothing of another org can be named.
    private static readonly string[] Named =
    [
        "rating /api/v1/tiers/{username}", "admin /admin/tariffs/{tier}", "usage /api/v1/clusters/{name}/quarantine", "usage /api/v1/clusters/{name}/backfills",
        "usage /api/v1/clusters/{name}/reconciliations",
    ];

    private readonly Guid owner = Guid.CreateVersion7();
    private readonly Guid otherOrg = Guid.CreateVersion7();
    private readonly Dictionary<string, Guid> ids = new(StringComparer.Ordinal);

    /// <summary>Routes with an id, and what it names. A route that is not here fails the first test.</summary>
    private static readonly Dictionary<string, string> Cases = new(StringComparer.Ordinal)
    {
        ["rating /api/v1/receipts/{id:guid}"] = "receipt",
        ["rating /api/v1/receipts/{id:guid}/items"] = "receipt",
        ["rating /api/v1/receipts/{id:guid}/adjustments"] = "receipt",
        ["rating /api/v1/receipts/{id:guid}/refund"] = "receipt",
        ["rating /api/v1/receipt-runs/{id:guid}"] = "receipt-run",
        ["rating /api/v1/usage/imports/{importId:guid}"] = "import",
        ["payment /api/v1/payments/receipts/{id:guid}/settle"] = "receipt",
        ["payment /payments/receipt/{id:guid}/start"] = "receipt",
        ["usage /api/v1/imports/{id:guid}/content/"] = "import",
        ["usage /api/v1/imports/{id:guid}/quarantine"] = "import",
        ["usage /api/v1/jobs/{id:guid}"] = "job",
        ["usage /api/v1/jobs/{id:guid}/events"] = "job",
        ["usage /api/v1/jobs/{id:guid}/cancel"] = "job",
        ["usage /api/v1/jobs/{id:guid}/requeue"] = "job",
        ["usage /api/v1/exports/{id:guid}/content"] = "job",
        ["usage /api/v1/clusters/{name}/reconciliations/{id:guid}"] = "reconciliation",
        ["usage /api/v1/sources/{id:guid}"] = "source",
        ["usage /api/v1/quarantine/{id:guid}/retry"] = "quarantined-record",
        ["usage /api/v1/quarantine/{id:guid}/dismiss"] = "quarantined-record",
        ["identity /api/v1/users/{id:guid}"] = "user",
        ["identity /api/v1/users/{id:guid}/reset"] = "user",
        ["identity /api/v1/users/{id:guid}/second-factor"] = "user",
        ["admin /admin/users/{id:guid}"] = "user",
        ["identity /api/v1/access-tokens/{id:guid}"] = "access-token",
        ["portal /me/receipts/{id:guid}"] = "receipt",
        ["portal /me/receipts/{id:guid}.csv"] = "receipt",
        ["admin /admin/receipts/{id:guid}"] = "receipt",
        ["admin /admin/receipts/runs/{id:guid}"] = "receipt-run",
        ["admin /admin/jobs/{id:guid}"] = "job",

        // Ids in the query.
        ["usage /api/v1/quarantine?import={id:guid}"] = "import",
        ["payment /api/v1/payments?receipt={id:guid}"] = "receipt",
        ["payment /payments/thanks?payment={id:guid}"] = "payment",
    };

    [Fact]
    public void Every_route_with_an_id_has_its_case()
    {
        string[] withParameter = [.. site.Routes.Where(route => route is { IsAnonymous: false, Parameters.Count: > 0 } && !route.Path.Contains("{**", StringComparison.Ordinal)).Select(route => route.Name)];
        Assert.Empty(withParameter.Except(Cases.Keys).Except(Named));
        Assert.Empty(Cases.Keys.Where(route => !route.Contains('?', StringComparison.Ordinal)).Concat(Named).Except(withParameter));
    }

    [Fact]
    public async Task Another_orgs_id_is_forbidden_and_the_attempt_audited()
    {
        string stranger = site.Token(TestCaller.Admin(otherOrg));
        var expected = new List<string>();
        foreach ((string route, string noun) in Cases)
        {
            foreach (string method in MethodsOf(route))
            {
                HttpStatusCode status = await AskAsync(route, method, ids[noun], stranger);
                Assert.True(status == HttpStatusCode.Forbidden, $"{method} {route}: {status}");
                expected.Add($"access.denied {noun}:{ids[noun]}");
            }
        }

        // Pages that ask another service leave the entry to it.
        await Wait.UntilAsync("each attempt is in the asker's log", () => Task.FromResult(expected.Distinct().All(Denied().Contains)
            && Denied().Count >= expected.Count));
        Assert.DoesNotContain(site.Bus.Heard<AuditRecorded>(), act => act.OrgId == owner && act.Action == "access.denied");
    }

    [Fact]
    public async Task An_id_that_nobody_has_is_not_found_and_nobody_is_accused()
    {
        string stranger = site.Token(TestCaller.Admin(otherOrg));
        foreach (string route in Cases.Keys.Where(route => route is not ("rating /api/v1/usage/imports/{importId:guid}" or "payment /api/v1/payments?receipt={id:guid}")))
        {
            foreach (string method in MethodsOf(route))
            {
                HttpStatusCode status = await AskAsync(route, method, Guid.CreateVersion7(), stranger);
                Assert.True(status is HttpStatusCode.NotFound, $"{method} {route}: {status}");
            }
        }

        Assert.Empty(Denied());
    }

    [Fact]
    [Trait("Control", "AUTHZ-03")]
    public async Task A_colleagues_id_is_not_found()
    {
        string colleague = site.Token(TestCaller.User("bob", owner));
        foreach (string route in new[]
        {
            "rating /api/v1/receipts/{id:guid}", "rating /api/v1/receipts/{id:guid}/items", "rating /api/v1/receipts/{id:guid}/adjustments", "payment /payments/receipt/{id:guid}/start",
            "payment /payments/thanks?payment={id:guid}", "portal /me/receipts/{id:guid}", "portal /me/receipts/{id:guid}.csv",
        })
        {
            Assert.Equal(HttpStatusCode.NotFound, await AskAsync(route, "GET", ids[Cases[route]], colleague));
        }

        using HttpClient client = site.Client("payment", colleague);
        JsonNode payments = (await client.GetFromJsonAsync<JsonNode>($"/api/v1/payments?receipt={ids["receipt"]}"))!;
        Assert.Empty(payments["items"]!.AsArray());
    }

    public async Task InitializeAsync()
    {
        string admin = site.Token(TestCaller.Admin(owner));
        using HttpClient rating = site.Client("rating", admin);
        using HttpClient usage = site.Client("usage", admin);
        using HttpClient payment = site.Client("payment", admin);
        await PostAsync(rating, "/formula", new { type = "mu", cpuCoreHour = 1m, gpuHour = 10m, memoryGibHour = 0.1m, effectiveFrom = "1970-01-02" });
        ids["import"] = (await PostAsync(usage, "/api/v1/imports", new { fileName = "a.log", sizeBytes = 10, format = "sacct" }))["id"]!.GetValue<Guid>();
        ids["quarantined-record"] = Guid.CreateVersion7();
        await site["usage"].ExecuteAsync(
            """
            INSERT INTO quarantine (id, org_id, import_id, line, source, code, reason, text, format, layout, is_whole, first_seen_at, last_seen_at)
            VALUES (@Id, @Org, @Import, 1, 'import', 'bad_field', 'State is odd.', '1', 'sacct', 'JobID', true, now(), now())
            """,
            new { Id = ids["quarantined-record"], Org = owner, Import = ids["import"] });
        ids["job"] = ids["import"];
        await site.Bus.PublishAsync(new UsageRecorded(owner, Guid.CreateVersion7(), ids["import"], [Runs.Of("alice", 1)]));
        await Wait.UntilAsync("the run is stored", async () =>
            (await rating.GetFromJsonAsync<JsonNode>($"/api/v1/usage/imports/{ids["import"]}"))!["runs"]!.GetValue<long>() == 1);

        using HttpClient alice = site.Client("rating", site.Token(TestCaller.User("alice", owner)));
        ids["receipt"] = (await PostAsync(alice, "/api/v1/receipts", new { }))["id"]!.GetValue<Guid>();
        ids["receipt-run"] = (await PostAsync(rating, "/api/v1/receipt-runs", new { }))["id"]!.GetValue<Guid>();
        await Wait.UntilAsync("payment knows the receipt", async () => await site["payment"].ScalarAsync<long>(
            "SELECT count(*) FROM payables WHERE receipt_id = @Id", new { Id = ids["receipt"] }) == 1);
        ids["user"] = await site["identity"].ScalarAsync<Guid>("SELECT user_id FROM users LIMIT 1");
        ids["access-token"] = Guid.CreateVersion7();
        await site["identity"].ExecuteAsync(
            """
            INSERT INTO access_tokens (token_id, org_id, user_id, name, secret_hash, scopes, created_at, expires_at)
            SELECT @Id, org_id, user_id, 'theirs', sha256(@Id::text::bytea), ARRAY['usage.read'], now(), now() + interval '1 day' FROM users LIMIT 1
            """,
            new { Id = ids["access-token"] });
        ids["reconciliation"] = Guid.CreateVersion7();
        await site["usage"].ExecuteAsync(
            """
            INSERT INTO jobs (id, org_id, type, status, stage, subject, requested_by, due_at, created_at, finished_at)
            VALUES (@Id, @Org, 'reconcile', 'succeeded', 'done', 'hpc', 'admin', now(), now(), now());
            INSERT INTO reconciliations (id, org_id, cluster, month) VALUES (@Id, @Org, 'hpc', '2026-10');
            """,
            new { Id = ids["reconciliation"], Org = owner });
        ids["source"] = Guid.CreateVersion7();
        await site["usage"].ExecuteAsync(
            """
            INSERT INTO sources (id, org_id, cluster, name, kind, preference, settings, enabled, created_by, created_at, changed_by, changed_at)
            VALUES (@Id, @Org, 'hpc', 'rest', 'slurmrestd', 1, '{}', false, 'admin', now(), 'admin', now())
            """,
            new { Id = ids["source"], Org = owner });
        ids["payment"] = (await PostAsync(payment, $"/api/v1/payments/receipts/{ids["receipt"]}/settle", new { reason = "cash" }))["paymentId"]!.GetValue<Guid>();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    private List<string> Denied() => [.. site.Bus.Heard<AuditRecorded>()
        .Where(act => act.OrgId == otherOrg && act.Action == "access.denied").Select(act => $"{act.Action} {act.Subject}")];

    // A page's form asks for its antiforgery field first; looking at the page asks for the same thing.
    private IEnumerable<string> MethodsOf(string route) =>
        site.Routes.FirstOrDefault(known => known.Name == route)?.Tries.Where(method => method is not "POST" || route.Contains("/api/", StringComparison.Ordinal))
        ?? ["GET"];

    private async Task<HttpStatusCode> AskAsync(string route, string method, Guid id, string token)
    {
        string[] parts = route.Split(' ', 2);
        using HttpClient client = site.Client(parts[0], token);
        using var request = new HttpRequestMessage(new HttpMethod(method), System.Text.RegularExpressions.Regex.Replace(parts[1], @"\{\w+:guid\}", id.ToString()));
        if (method is "PUT") request.Content = route.EndsWith("/content/", StringComparison.Ordinal) ? new ByteArrayContent([1, 2, 3]) : new StringContent("{}", Encoding.UTF8, "application/json");
        if (method is "PATCH") request.Content = new StringContent("""{"role":"user"}""", Encoding.UTF8, "application/json");
        if (method is "POST") request.Content = new StringContent("""{"reason":"mine"}""", Encoding.UTF8, "application/json");
        request.Headers.Add("Upload-Offset", "0");
        using HttpResponseMessage response = await client.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<JsonNode> PostAsync(HttpClient client, string path, object body)
    {
        using HttpResponseMessage response = await client.PostAsJsonAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }
}
