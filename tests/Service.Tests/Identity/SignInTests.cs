using System.Net;
using System.Security.Cryptography;
using System.Text;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
public sealed class SignInTests(Site site) : IClassFixture<Site>
{
    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task A_right_password_starts_a_session_in_a_host_cookie()
    {
        using Browser browser = site.Browser();
        using HttpResponseMessage answer = await browser.SignInAsync("alice", Site.DemoPassword, "/me?view=detail");

        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Equal("/me?view=detail", answer.Headers.Location!.OriginalString);
        string cookie = Assert.Single(browser.LastSetCookies, cookie => cookie.StartsWith(Browser.SessionCookie, StringComparison.Ordinal));
        string[] attributes = [.. cookie.Split("; ").Skip(1).Select(part => part.ToLowerInvariant()).Order()];
        Assert.Equal(["httponly", "path=/", "samesite=lax", "secure"], attributes);
        Assert.Contains(">alice<", await browser.TextAsync("/account"));
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task The_session_id_changes_at_every_sign_in_and_the_old_one_is_dead()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        string first = browser.Session!;

        // Signing in again goes by the form's own address: a signed-in reader of /login is led on.
        using HttpResponseMessage again = await browser.PostAsync("/account", "/login", ("Username", "alice"), ("Password", Site.DemoPassword));
        Assert.Equal(HttpStatusCode.SeeOther, again.StatusCode);
        Assert.NotEqual(first, browser.Session);
        Assert.Contains(">alice<", await browser.TextAsync("/account"));

        using Browser thief = site.Browser();
        thief.Session = first;
        await ExpectSignedOutAsync(thief);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task A_session_that_a_browser_brings_along_is_not_adopted()
    {
        using Browser browser = site.Browser();
        string planted = new('A', 43);
        browser.Session = planted;
        using (await browser.SignInAsync("bob", Site.DemoPassword)) { }
        Assert.NotEqual(planted, browser.Session);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task Signing_out_ends_the_session_on_the_server()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        string session = browser.Session!;
        using HttpResponseMessage answer = await browser.PostAsync("/account", "/logout");

        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Null(browser.Session);
        browser.Session = session;
        await ExpectSignedOutAsync(browser);
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "logout", Subject: "user:alice" });
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task Sign_out_everywhere_ends_the_other_browsers_too()
    {
        using Browser here = site.Browser();
        using Browser there = site.Browser();
        using (await here.SignInAsync("carol", Site.DemoPassword)) { }
        using (await there.SignInAsync("carol", Site.DemoPassword)) { }
        using HttpResponseMessage answer = await here.PostAsync("/account", "/account?handler=Everywhere");

        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        await ExpectSignedOutAsync(there);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task Another_session_of_ones_own_can_be_ended_and_a_strangers_cannot()
    {
        using Browser here = site.Browser();
        using Browser there = site.Browser();
        using Browser stranger = site.Browser();
        using (await here.SignInAsync("bob", Site.DemoPassword)) { }
        using (await there.SignInAsync("bob", Site.DemoPassword)) { }
        using (await stranger.SignInAsync("dave", Site.DemoPassword)) { }
        Guid own = await SessionIdAsync(there.Session!);
        Guid foreign = await SessionIdAsync(stranger.Session!);

        using (await here.PostAsync("/account", "/account?handler=Revoke", ("sessionId", own.ToString()))) { }
        using (await here.PostAsync("/account", "/account?handler=Revoke", ("sessionId", foreign.ToString()))) { }
        await ExpectSignedOutAsync(there);
        Assert.Contains(">dave<", await stranger.TextAsync("/account"));
    }

    [Theory]
    [Trait("Control", "AUTH-02")]
    [InlineData("last_seen_at = now() - interval '31 minutes'")]
    [InlineData("created_at = now() - interval '2 days', expires_at = now() - interval '1 second'")]
    public async Task A_session_ends_when_it_is_idle_and_when_it_is_old(string passedTime)
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        await site.Identity.ExecuteAsync(
            "UPDATE sessions SET " + passedTime + " WHERE secret_hash = @Hash", new { Hash = SHA256.HashData(Encoding.UTF8.GetBytes(browser.Session!)) });
        await ExpectSignedOutAsync(browser);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task The_database_does_not_know_the_cookie()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        Assert.NotEqual(Guid.Empty, await SessionIdAsync(browser.Session!));
        Assert.Equal(0, await site.Identity.ScalarAsync<long>(
            "SELECT count(*) FROM sessions s WHERE s::text LIKE '%' || @Secret || '%'", new { Secret = browser.Session }));
    }

    [Theory]
    [InlineData("https://elsewhere.example/")]
    [InlineData("//elsewhere.example/")]
    [InlineData("/\\elsewhere.example/")]
    [InlineData("javascript:alert(1)")]
    public async Task Signing_in_leads_to_no_strangers_page(string returnUrl)
    {
        using Browser browser = site.Browser();
        using HttpResponseMessage answer = await browser.SignInAsync("alice", Site.DemoPassword, returnUrl);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Equal("/", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_sign_in_without_the_antiforgery_field_is_refused()
    {
        using Browser browser = site.Browser();
        using HttpResponseMessage answer = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new FormUrlEncodedContent([new("Username", "alice"), new("Password", Site.DemoPassword)]),
        });
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Null(browser.Session);
        string page = await answer.Content.ReadAsStringAsync();
        Assert.Contains("This form is no longer valid", page);
        Assert.Contains("href=\"/login\">Load the form again</a>", page);
    }

    [Fact]
    [Trait("Control", "AUTH-05")]
    public async Task Each_step_of_a_sign_in_is_recorded_and_an_unknown_name_is_not_repeated()
    {
        using Browser browser = site.Browser("127.0.0.77");
        using (await browser.SignInAsync("my-password-in-the-wrong-field", "x")) { }
        using (await browser.SignInAsync("dave", "wrong")) { }
        using (await browser.SignInAsync("dave", Site.DemoPassword)) { }

        IReadOnlyList<string> rows = await site.Identity.QueryAsync<string>("""
            SELECT (body->>'action') || ' ' || (body->>'subject') || ' ' || (body->>'actor') || coalesce(' ' || (body->'details'->>'reason'), '')
            FROM outbox WHERE body->>'ipAddress' = '127.0.0.77' ORDER BY id
            """);
        Assert.Equal(
            [
                "login.start user:unknown unknown", "login.failure user:unknown unknown credentials",
                "login.start user:dave dave", "login.failure user:dave dave credentials",
                "login.start user:dave dave", "login.success user:dave dave",
            ],
            rows);
    }

    [Fact]
    [Trait("Control", "PRIV-01")]
    public async Task The_sign_in_page_says_what_is_kept()
    {
        using Browser browser = site.Browser();
        string page = await browser.TextAsync("/login");
        Assert.Contains("href=\"/privacy\"", page);
        Assert.Contains("cookie", page);
        Assert.All(browser.LastSetCookies, cookie => Assert.StartsWith("__Host-csrf=", cookie));
    }

    private async Task<Guid> SessionIdAsync(string cookie) => await site.Identity.ScalarAsync<Guid>(
        "SELECT session_id FROM sessions WHERE secret_hash = @Hash", new { Hash = SHA256.HashData(Encoding.UTF8.GetBytes(cookie)) });

    private static Task ExpectSignedOutAsync(Browser browser) => Wait.UntilAsync("the session is refused", async () =>
    {
        using HttpResponseMessage answer = await browser.GetAsync("/account");
        return answer.StatusCode == HttpStatusCode.SeeOther && answer.Headers.Location!.OriginalString == "/login?returnUrl=%2Faccount";
    }, seconds: 10);
}
