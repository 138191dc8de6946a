using System.Net;
using System.Net.Http.Headers;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class HeaderPolicyTests(Servers servers)
{
    private const string Html = "text/html";
    private const string Json = "application/json";

    private static readonly Asked[] Table =
    [
        new("a page", 200, "/"),
        new("the sign-in of identity", 200, "/login"),
        new("a static file", 200, "/_ui/site.css"),
        new("the API", 200, "/formula?type=mu", Accept: Json),
        new("without a body", 200, "/", "HEAD"),
        new("what may be done", 200, "/api/v1/usage", "OPTIONS", Json),
        new("a page of one's own", 200, "/me", Alice: true),
        new("nothing to say", 204, "/csp-report", "POST", Body: "{}", Type: "application/csp-report"),
        new("led to the sign-in", 303, "/me"),
        new("not changed", 304, "/api/v1/tariffs/known", Accept: Json),
        new("an unsafe call without its token", 400, "/api/v1/receipts", "POST", Json, Alice: true),
        new("no JSON", 400, "/csp-report", "POST", Body: "{", Type: "application/csp-report"),
        new("an unknown token", 401, "/api/v1/usage", Accept: Json, Bearer: "hpcb_unknown"),
        new("not signed in", 401, "/me", Accept: Json),
        new("identity's own refusal", 401, "/api/v1/users", Accept: Json),
        new("not for users", 403, "/admin", Alice: true),
        new("no such page", 404, "/no/such/page"),
        new("no such call", 404, "/api/v1/no-such-thing", Accept: Json),
        new("health from outside", 404, "/healthz"),
        new("a method that nothing knows", 405, "/", "BREW"),
        new("tracing", 405, "/", "TRACE"),
        new("a method that the service does not offer", 405, "/api/v1/tariffs/read-only", "POST", Json),
        new("too much", 413, "/api/v1/receipts", "POST", Json, Body: new string('x', 2 * 1024 * 1024), Bearer: Site.DemoToken),
        new("too large a report", 413, "/csp-report", "POST", Body: "{\"x\":\"" + new string('x', 20_000) + "\"}", Type: "application/csp-report"),
        new("another kind of report", 415, "/csp-report", "POST", Body: "x", Type: "text/plain"),
        new("a provider's first call", 200, "/payments/webhook/dummy", "POST", Json, Body: "{}"),
        new("one call too many", 429, "/payments/webhook/dummy", "POST", Json, Body: "{}"),
        new("the same for a reader", 429, "/payments/webhook/dummy", "POST", Body: "{}"),
        new("a service's failure", 500, "/privacy", Accept: Json),
        new("a dead service", 502, "/api/v1/audit", Accept: Json, Bearer: Site.DemoToken),
    ];

    [Theory]
    [Trait("Control", "WEB-03")]
    [Trait("Control", "WEB-04")]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Every_response_carries_the_header_policy_whatever_the_services_say(string version)
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>
        {
            ["Gateway__RateLimits__WebhookPerMinute"] = "1",
            ["services__audit__http__0"] = "http://127.0.0.1:1",
        });
        using Browser alice = site.Browser();
        using (await alice.SignInAsync("alice", Site.DemoPassword)) { }
        List<string> faults = [];
        foreach (Asked asked in Table) await CheckAsync(site, alice, asked, Version.Parse(version), faults);

        await site.Identity.KillAsync();
        await CheckAsync(site, alice, new Asked("identity is away", 502, "/login"), Version.Parse(version), faults);
        using Browser stranger = site.Browser();
        stranger.Session = "unknown-to-the-gateway";
        await CheckAsync(site, stranger, new Asked("nobody can be known", 503, "/me", Alice: true), Version.Parse(version), faults);
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    [Trait("Control", "WEB-04")]
    [Trait("Control", "WEB-05")]
    public async Task The_redirect_from_plain_http_carries_it_too()
    {
        await using Site site = await Site.StartAsync(servers);
        using var client = new HttpClient(Gateways.Handler(IPAddress.Loopback)) { BaseAddress = site.Gateway.Address };
        foreach (string path in new[] { "/", "/no/such/page", "/healthz?x", "/csp-report" })
        {
            using HttpResponseMessage answer = await client.GetAsync(path);
            Assert.Equal(path.StartsWith("/healthz", StringComparison.Ordinal) ? HttpStatusCode.OK : HttpStatusCode.PermanentRedirect, answer.StatusCode);
            HeaderPolicy.Expect(answer);
        }
    }

    [Fact]
    [Trait("Control", "WEB-03")]
    public async Task The_report_only_mode_reports_and_does_not_enforce_and_is_said_at_the_start()
    {
        await using Site site = await Site.StartAsync(servers, gatewayAlone: new Dictionary<string, string>
        {
            ["Gateway__ContentSecurityPolicyReportOnly"] = "true",
            ["ConnectionStrings__rabbitmq"] = "",
        });
        using Browser browser = site.Browser();
        using HttpResponseMessage answer = await browser.GetAsync("/");
        HeaderPolicy.Expect(answer, reportOnly: true);
        Assert.Contains("ContentSecurityPolicyReportOnly is on", site.Gateway.Log, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings:rabbitmq is missing", site.Gateway.Log, StringComparison.Ordinal);
    }

    private static async Task CheckAsync(Site site, Browser alice, Asked asked, Version version, List<string> faults)
    {
        var request = new HttpRequestMessage(new HttpMethod(asked.Method), asked.Path) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Accept.ParseAdd(asked.Accept);
        if (asked.Bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", asked.Bearer);
        if (asked.Body is not null) request.Content = new StringContent(asked.Body, Encoding.UTF8, asked.Type);
        using HttpClient program = site.Program();
        try
        {
            using HttpResponseMessage answer = asked.Alice ? await alice.SendAsync(request) : await program.SendAsync(request);
            if (asked.Status != (int)answer.StatusCode) faults.Add($"{asked.What}: {(int)answer.StatusCode} instead of {asked.Status}");
            HeaderPolicy.Expect(answer);
            if (asked.Status is 429 or 503 && answer.Headers.RetryAfter is null) faults.Add($"{asked.What}: no Retry-After");
            if (asked.Status >= 400 && answer.Content.Headers.ContentType?.MediaType != (asked.Accept == Html ? Html : "application/problem+json"))
                faults.Add($"{asked.What}: {answer.Content.Headers.ContentType}");
        }
        catch (Exception failure) when (failure is Xunit.Sdk.XunitException or HttpRequestException)
        {
            faults.Add($"{asked.What}: {failure.Message}");
        }
    }

    /// <param name="What">What it stands for.</param>
    /// <param name="Status">Answer.</param>
    /// <param name="Path">Target.</param>
    /// <param name="Method">Method.</param>
    /// <param name="Accept">A page or data.</param>
    /// <param name="Body">Null for none.</param>
    /// <param name="Type">Of the body.</param>
    /// <param name="Bearer">A token, if any.</param>
    /// <param name="Alice">With the session of the browser.</param>
    private sealed record Asked(
        string What, int Status, string Path, string Method = "GET", string Accept = Html, string? Body = null, string Type = Json, string? Bearer = null, bool Alice = false);
}
