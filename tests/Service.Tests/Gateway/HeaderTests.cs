using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class HeaderTests(Site site) : IClassFixture<Site>
{
    private const string Chosen = "0123456789abcdef0123456789abcdef";

    [Fact]
    [Trait("Control", "WEB-05")]
    public async Task Plain_http_leads_to_https_with_method_path_and_query()
    {
        using var client = new HttpClient(Gateways.Handler(IPAddress.Loopback)) { BaseAddress = site.Gateway.Address };
        using HttpResponseMessage answer = await client.PostAsync("/api/v1/receipts?x=1%202", new StringContent("{}"));
        Assert.Equal(HttpStatusCode.PermanentRedirect, answer.StatusCode);
        Assert.Equal($"https://127.0.0.1:{site.Gateway.SecureAddress!.Port}/api/v1/receipts?x=1%202", answer.Headers.Location!.OriginalString);
        HeaderPolicy.Expect(answer);
    }

    [Fact]
    [Trait("Control", "WEB-06")]
    public async Task What_a_client_says_about_itself_does_not_reach_a_service()
    {
        using Browser browser = site.Browser("127.0.0.9");
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        var request = new HttpRequestMessage(HttpMethod.Get, "/me");
        foreach ((string name, string value) in new[]
        {
            ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Prefix", "/evil"),
            ("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6"), ("True-Client-IP", "6.6.6.6"), ("X-Client-IP", "6.6.6.6"), ("X-Original-URL", "/admin"), ("X-Original-For", "6.6.6.6"),
            ("X-Rewrite-URL", "/admin"), ("X-Hpcb-User", "admin"), ("X-Remote-User", "admin"), ("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE"), ("X-Method-Override", "DELETE"),
            ("X-Request-Id", Chosen), ("X-Correlation-Id", Chosen), ("Request-Id", Chosen), ("traceparent", $"00-{Chosen}-0123456789abcdef-00"), ("tracestate", "a=b"), ("baggage", "user=admin"),
            ("Proxy", "http://6.6.6.6/"), ("Proxy-Authorization", "Basic YTpi"),
        }) request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage answer = await browser.SendAsync(request);
        Heard heard = (await answer.Content.ReadFromJsonAsync<Heard>())!;

        Assert.Equal("127.0.0.9", heard["X-Forwarded-For"]);
        Assert.Equal("https", heard["X-Forwarded-Proto"]);
        Assert.Equal($"localhost:{site.Gateway.SecureAddress!.Port}", heard["X-Forwarded-Host"]);
        Assert.DoesNotContain("6.6.6.6", JsonSerializer.Serialize(heard));
        Assert.DoesNotContain(Chosen, JsonSerializer.Serialize(heard));
        Assert.All(
            new[]
            {
                "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL", "X-Hpcb-User", "X-Remote-User", "X-HTTP-Method-Override", "X-HTTP-Method",
                "X-Method-Override", "tracestate", "baggage", "Proxy", "Proxy-Authorization",
            },
            name => Assert.Null(heard[name]));

        // The request's id is the gateway's, for the client, the service and the log.
        string id = answer.Headers.GetValues("X-Request-Id").Single();
        Assert.NotEqual(Chosen, id);
        Assert.StartsWith($"00-{id}-", heard["traceparent"]);
    }

    [Fact]
    [Trait("Control", "WEB-06")]
    public async Task The_audit_log_has_the_address_of_the_connection_not_the_claimed_one()
    {
        using Browser browser = site.Browser("127.0.0.10");
        string field = await browser.CsrfAsync("/login");
        var request = new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new FormUrlEncodedContent([new("__csrf", field), new("Username", "bob"), new("Password", "wrong")]),
        };
        request.Headers.Add("X-Forwarded-For", "6.6.6.6");
        using (await browser.SendAsync(request)) { }
        Assert.Equal(
            ["127.0.0.10"],
            await site.Identity.QueryAsync<string>("SELECT DISTINCT body->>'ipAddress' FROM outbox WHERE body->>'action' LIKE 'login.%' AND body->>'subject' = 'user:bob'"));
    }

    [Fact]
    public async Task No_service_but_identity_sets_a_session_and_none_an_undeclared_cookie()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        using HttpResponseMessage answer = await browser.GetAsync("/me/cookies");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["__Host-csrf"], browser.LastSetCookies.Select(cookie => cookie.Split('=')[0]));
    }

    [Fact]
    [Trait("Control", "OPS-01")]
    public async Task Health_and_metrics_are_not_on_the_public_side()
    {
        using HttpClient outside = site.Program();
        foreach (string path in new[] { "/healthz", "/readyz", "/metrics", "/internal/x", "/_ui/../healthz" })
            Assert.Equal(HttpStatusCode.NotFound, (await outside.GetAsync(path)).StatusCode);

        using var inside = new HttpClient { BaseAddress = site.Gateway.Address };
        Assert.Equal("Healthy", await inside.GetStringAsync("/healthz"));
        Assert.DoesNotContain("GET /healthz", site.Services.Asked);
    }

    [Fact]
    public async Task An_error_is_a_page_for_people_and_problem_details_for_programs()
    {
        using Browser browser = site.Browser();
        using HttpResponseMessage page = await browser.GetAsync("/no/such/page");
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        string html = await page.Content.ReadAsStringAsync();
        Assert.Contains("There is no such page", html);
        Assert.DoesNotContain("<style", html);
        Assert.DoesNotContain("<script", html);

        using HttpClient program = site.Program();
        using HttpResponseMessage problem = await program.GetAsync("/api/v1/no-such-thing");
        Assert.Equal("application/problem+json", problem.Content.Headers.ContentType!.MediaType);
        JsonElement body = await problem.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(404, body.GetProperty("status").GetInt32());
        Assert.Equal(problem.Headers.GetValues("X-Request-Id").Single(), body.GetProperty("traceId").GetString());
    }
}
