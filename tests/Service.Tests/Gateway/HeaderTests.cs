using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class HeaderTests(Site site) : IClassFixture<Site>
{
    [Theory]
    [Trait("Control", "WEB-03")]
    [Trait("Control", "WEB-04")]
    [InlineData("/", HttpStatusCode.OK)]
    [InlineData("/_ui/site.css", HttpStatusCode.OK)]
    [InlineData("/formula?type=mu", HttpStatusCode.OK)]
    [InlineData("/login", HttpStatusCode.OK)]
    [InlineData("/no/such/page", HttpStatusCode.NotFound)]
    [InlineData("/privacy", HttpStatusCode.InternalServerError)]
    [InlineData("/me", HttpStatusCode.SeeOther)]
    [InlineData("/api/v1/users", HttpStatusCode.Unauthorized)]
    public async Task Every_response_carries_the_header_policy(string path, HttpStatusCode status)
    {
        using Browser browser = site.Browser();
        using HttpResponseMessage answer = await browser.GetAsync(path);
        Assert.Equal(status, answer.StatusCode);
        ExpectPolicy(answer);
    }

    [Fact]
    [Trait("Control", "WEB-05")]
    public async Task Plain_http_leads_to_https_with_method_path_and_query()
    {
        using var client = new HttpClient(Gateways.Handler(IPAddress.Loopback)) { BaseAddress = site.Gateway.Address };
        using HttpResponseMessage answer = await client.PostAsync("/api/v1/receipts?x=1%202", new StringContent("{}"));
        Assert.Equal(HttpStatusCode.PermanentRedirect, answer.StatusCode);
        Assert.Equal($"https://127.0.0.1:{site.Gateway.SecureAddress!.Port}/api/v1/receipts?x=1%202", answer.Headers.Location!.OriginalString);
        ExpectPolicy(answer);
    }

    [Theory]
    [Trait("Control", "WEB-05")]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable SYSLIB0039, CA5397 // asking for what must be refused
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task Tls_is_1_2_or_1_3(SslProtocols protocol, bool accepted)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, site.Gateway.SecureAddress!.Port);
        await using var tls = new SslStream(socket.GetStream());
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocol,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost",
        };
        Exception? failure = await Record.ExceptionAsync(() => tls.AuthenticateAsClientAsync(options));
        Assert.Equal(accepted, failure is null);
        if (accepted) Assert.Equal(protocol, tls.SslProtocol);
    }

    [Fact]
    public async Task Http_2_is_spoken()
    {
        using HttpClient client = site.Program();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/formula") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.Equal(HttpVersion.Version20, answer.Version);
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
            ("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6"), ("X-Original-URL", "/admin"), ("X-Hpcb-User", "admin"), ("X-HTTP-Method-Override", "DELETE"),
        }) request.Headers.Add(name, value);
        using HttpResponseMessage answer = await browser.SendAsync(request);
        Heard heard = (await answer.Content.ReadFromJsonAsync<Heard>())!;

        Assert.Equal("127.0.0.9", heard["X-Forwarded-For"]);
        Assert.Equal("https", heard["X-Forwarded-Proto"]);
        Assert.Equal($"localhost:{site.Gateway.SecureAddress!.Port}", heard["X-Forwarded-Host"]);
        Assert.All(new[] { "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X-Original-URL", "X-Hpcb-User", "X-HTTP-Method-Override" }, name => Assert.Null(heard[name]));
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

    private static void ExpectPolicy(HttpResponseMessage answer)
    {
        string Only(string name) => Assert.Single(answer.Headers.GetValues(name));
        Assert.Equal(
            "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; object-src 'none'; form-action 'self'",
            Only("Content-Security-Policy"));
        Assert.Equal("DENY", Only("X-Frame-Options"));
        Assert.Equal("nosniff", Only("X-Content-Type-Options"));
        Assert.Equal("same-origin", Only("Referrer-Policy"));
        Assert.Equal("max-age=31536000; includeSubDomains; preload", Only("Strict-Transport-Security"));
        Assert.Matches("^[0-9a-f]{32}$", Only("X-Request-Id"));
        Assert.False(answer.Headers.Contains("Server"));
        Assert.False(answer.Headers.Contains("X-Powered-By"));
    }
}
