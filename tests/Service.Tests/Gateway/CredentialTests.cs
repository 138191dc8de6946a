using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class CredentialTests(Servers servers, Site site) : IClassFixture<Site>
{
    private const string CsrfHeader = "X-CSRF-Token";

    [Fact]
    public async Task A_service_sees_a_signed_token_and_never_the_cookie()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        using HttpResponseMessage answer = await browser.GetAsync("/me?view=billed");
        Heard heard = (await answer.Content.ReadFromJsonAsync<Heard>())!;

        Assert.Equal("/me?view=billed", heard.Target);
        Assert.Equal("alice", new JsonWebToken(heard["Authorization"]!["Bearer ".Length..]).GetClaim("preferred_username").Value);
        Assert.DoesNotContain(browser.Session!, JsonSerializer.Serialize(heard));
        Assert.StartsWith("__Host-csrf=", heard["Cookie"]);
        Assert.DoesNotContain(";", heard["Cookie"]);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
    }

    [Theory]
    [InlineData("/me?view=detail", "/login?returnUrl=%2Fme%3Fview%3Ddetail")]
    [InlineData("/admin/tariffs", "/login?returnUrl=%2Fadmin%2Ftariffs")]
    [InlineData("/account", "/login?returnUrl=%2Faccount")]
    [InlineData("/payments/receipt/1/start", "/login?returnUrl=%2Fpayments%2Freceipt%2F1%2Fstart")]
    public async Task A_browser_without_a_session_is_led_to_the_sign_in(string path, string location)
    {
        using Browser browser = site.Browser();
        browser.Session = "a-session-that-ended-long-ago";
        using HttpResponseMessage answer = await browser.GetAsync(path);
        Assert.Equal((HttpStatusCode.SeeOther, location), (answer.StatusCode, answer.Headers.Location!.OriginalString));
    }

    [Fact]
    public async Task A_program_without_a_session_is_told_401_on_a_page_and_left_to_the_service_on_the_api()
    {
        using HttpClient program = site.Program();
        using HttpResponseMessage page = await program.GetAsync("/me");
        Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
        Assert.Equal("application/problem+json", page.Content.Headers.ContentType!.MediaType);
        Heard heard = (await program.GetFromJsonAsync<Heard>("/api/v1/receipts"))!;
        Assert.Null(heard["Authorization"]);
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task The_admin_service_cannot_be_reached_by_a_user()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        using HttpResponseMessage page = await browser.GetAsync("/admin/only-for-admins");
        Assert.Equal(HttpStatusCode.Forbidden, page.StatusCode);
        Assert.Contains("Not for this account", await page.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.GetAsync("/api/v1/audit")).StatusCode);
        Assert.DoesNotContain("GET /admin/only-for-admins", site.Services.Asked);

        using Browser admin = site.Browser();
        using (await admin.SignInAsync("admin", Site.AdminPassword)) { }
        Assert.Equal(HttpStatusCode.OK, (await admin.GetAsync("/admin/tariffs")).StatusCode);
    }

    [Fact]
    public async Task A_token_of_a_programs_own_is_handed_on_as_it_is()
    {
        using HttpClient program = site.Program("aaa.bbb.ccc");
        Heard heard = (await program.GetFromJsonAsync<Heard>("/api/v1/usage"))!;
        Assert.Equal("Bearer aaa.bbb.ccc", heard["Authorization"]);
    }

    [Theory]
    [InlineData("/api/v1/usage", "Basic dXNlcjpwYXNz")]
    [InlineData("/payments/webhook/dummy", "Bearer aaa.bbb.ccc")]
    [InlineData("/payments/webhook/dummy", "Bearer " + Site.DemoToken)]
    [InlineData("/_ui/site.css", "Bearer " + Site.DemoToken)]
    public async Task Other_credentials_stay_at_the_door(string path, string header)
    {
        using HttpClient program = site.Program();
        program.DefaultRequestHeaders.Add("Authorization", header);
        Assert.Null((await program.GetFromJsonAsync<Heard>(path))!["Authorization"]);
    }

    [Theory]
    [Trait("Control", "WEB-01")]
    [InlineData("POST", "/api/v1/receipts")]
    [InlineData("PUT", "/api/v1/tiers/alice")]
    [InlineData("DELETE", "/api/v1/usage/1")]
    [InlineData("PATCH", "/api/v1/usage/1")]
    [InlineData("POST", "/formula")]
    public async Task An_unsafe_call_by_session_needs_the_header_of_that_session(string method, string path)
    {
        using Browser alice = site.Browser();
        using Browser bob = site.Browser();
        using (await alice.SignInAsync("alice", Site.DemoPassword)) { }
        using (await bob.SignInAsync("bob", Site.DemoPassword)) { }
        string own = await alice.CsrfAsync("/account");
        string bobs = await bob.CsrfAsync("/account");

        using HttpResponseMessage missing = await SendAsync(alice, method, path, null);
        Assert.Equal(HttpStatusCode.BadRequest, missing.StatusCode);
        Assert.Contains(CsrfHeader, await missing.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(alice, method, path, bobs)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(alice, method, path, own + "x")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(alice, method, path, own)).StatusCode);
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_program_with_a_token_needs_no_antiforgery_header_and_reading_needs_none_either()
    {
        using HttpClient program = site.Program(Site.DemoToken);
        Assert.Equal(HttpStatusCode.OK, (await program.PostAsJsonAsync("/api/v1/receipts", new { })).StatusCode);
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/api/v1/receipts")).StatusCode);
    }

    [Fact]
    public async Task Requests_that_arrive_together_share_one_exchange()
    {
        using HttpClient program = site.Program(Site.DemoToken);
        using (await program.GetAsync("/api/v1/usage")) { }
        int before = Exchanges(site);
        await Wait.UntilAsync("the cached token is let go", async () =>
        {
            using HttpResponseMessage answer = await program.GetAsync("/api/v1/usage");
            return Exchanges(site) > before;
        }, seconds: 10);
        before = Exchanges(site);
        Task<HttpResponseMessage>[] calls = [.. Enumerable.Range(0, 50).Select(_ => program.GetAsync("/api/v1/usage"))];
        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.InRange(Exchanges(site) - before, 0, 15); // one a second at most, however long this machine takes for fifty
    }

    [Fact]
    public async Task Without_identity_nobody_is_anybody_and_the_rest_goes_on()
    {
        await using Site broken = await Site.StartAsync(servers, new Dictionary<string, string>());
        using Browser browser = broken.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        await broken.Identity.KillAsync();
        await Wait.UntilAsync("the cached token is let go", async () =>
            (await browser.GetAsync("/me")).StatusCode == HttpStatusCode.ServiceUnavailable, seconds: 20);

        using HttpResponseMessage page = await browser.GetAsync("/me");
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        Assert.NotNull(page.Headers.RetryAfter);
        using HttpClient program = broken.Program(Site.DemoToken);
        using HttpResponseMessage problem = await program.GetAsync("/api/v1/usage");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, problem.StatusCode);
        Assert.Equal("application/problem+json", problem.Content.Headers.ContentType!.MediaType);

        using Browser stranger = broken.Browser();
        Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync("/")).StatusCode);
        using HttpResponseMessage login = await stranger.GetAsync("/login");
        Assert.Equal(HttpStatusCode.BadGateway, login.StatusCode);
        Assert.Contains("Out of order for a moment", await login.Content.ReadAsStringAsync());
    }

    private static int Exchanges(Site site) => site.Identity.Log.Split('\n').Count(line => line.Contains("POST /connect/token", StringComparison.Ordinal));

    private static Task<HttpResponseMessage> SendAsync(Browser browser, string method, string path, string? csrf)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = JsonContent.Create(new { }) };
        if (csrf is not null) request.Headers.Add(CsrfHeader, csrf);
        return browser.SendAsync(request);
    }
}
