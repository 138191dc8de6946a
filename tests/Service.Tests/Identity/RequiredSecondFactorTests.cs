using System.Net;
using System.Net.Http.Json;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
[Trait("Control", "AUTHZ-02")]
public sealed class RequiredSecondFactorTests(Servers servers) : IAsyncLifetime
{
    private Site site = null!;

    public async Task InitializeAsync() =>
        site = await Site.StartAsync(servers, new Dictionary<string, string> { ["Identity__SecondFactorForAdmins"] = "true" });

    public async Task DisposeAsync() => await site.DisposeAsync();

    [Fact]
    public async Task An_admin_without_one_is_led_to_it_and_can_do_nothing_else()
    {
        using Browser browser = site.Browser();
        using (HttpResponseMessage answer = await browser.SignInAsync("admin", Site.AdminPassword, "/admin/audit"))
            Assert.Equal("/account/second-factor?returnUrl=%2Fadmin%2Faudit", answer.Headers.Location?.OriginalString);
        foreach (string path in (string[])["/admin", "/me", "/", "/account", "/account/tokens"])
        {
            using HttpResponseMessage led = await browser.GetAsync(path);
            Assert.Equal("/account/second-factor", led.Headers.Location?.OriginalString);
        }

        foreach (string path in (string[])["/api/v1/users", "/api/v1/audit", "/api/v1/usage"])
        {
            using HttpResponseMessage refused = await browser.GetAsync(path);
            Assert.True(refused.StatusCode == HttpStatusCode.Forbidden || refused.Headers.Location?.OriginalString == "/account/second-factor", path);
        }

        using var make = new HttpRequestMessage(HttpMethod.Post, "/api/v1/access-tokens") { Content = JsonContent.Create(new { name = "x", scopes = new[] { "usage.read" }, days = 1 }) };
        make.Headers.Add("X-CSRF-Token", await browser.CsrfAsync(Authenticator.Page));
        using HttpResponseMessage noToken = await browser.SendAsync(make);
        Assert.Equal(HttpStatusCode.Forbidden, noToken.StatusCode);

        string before = browser.Session!;
        await Authenticator.EnrolAsync(browser);
        Assert.NotEqual(before, browser.Session);
        Assert.True(await Accounts.IsSignedInAsync(browser));
        using HttpResponseMessage list = await browser.GetAsync("/api/v1/users");
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);
    }

    [Fact]
    public async Task He_can_sign_out_instead_and_his_session_ends_on_the_server()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("admin", Site.AdminPassword)) { }
        using (await browser.PostAsync(Authenticator.Page, "/logout")) { }
        Assert.Null(browser.Session);
        Assert.Equal(0, await site.Identity.ScalarAsync<long>("SELECT count(*) FROM sessions WHERE revoked_at IS NULL"));
    }

    [Fact]
    public async Task Users_and_personal_access_tokens_need_none()
    {
        using Browser user = await Accounts.SignedInAsync(site, "alice", Site.DemoPassword);
        Assert.True(await Accounts.IsSignedInAsync(user));
        using HttpClient script = site.Program(Site.DemoToken);
        using HttpResponseMessage list = await script.GetAsync("/api/v1/users");
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);
    }

    [Fact]
    public async Task A_user_who_becomes_admin_is_led_to_it()
    {
        Guid sven = await Accounts.AddAsync(site, "sven");
        using (Browser before = await Accounts.SignedInAsync(site, "sven")) Assert.True(await Accounts.IsSignedInAsync(before));
        using HttpClient admin = site.Program(Site.DemoToken);
        using (await admin.PatchAsJsonAsync($"/api/v1/users/{sven}", new { role = "admin" })) { }
        using Browser browser = await Accounts.SignedInAsync(site, "sven");
        using HttpResponseMessage led = await browser.GetAsync("/account");
        Assert.Equal("/account/second-factor", led.Headers.Location?.OriginalString);
    }
}
