using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>Whatever ends what a user presented is said on the bus, in the transaction that ends it, so that no gateway goes on with it.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "AUTH-02")]
public sealed class RevocationTests(Site site) : IClassFixture<Site>
{
    [Fact]
    public async Task What_a_user_ends_himself_is_said()
    {
        Guid user = await Accounts.AddAsync(site, "ada");
        using Browser browser = await Accounts.SignedInAsync(site, "ada");
        await SaidAsync(user, "a password changed", () => PostAsync(
            browser, "/account", "/account?handler=Password", ("CurrentPassword", Accounts.Password), ("NewPassword", "seven quiet rivers")));
        Authenticator? phone = null;
        await SaidAsync(user, "a second factor turned on", async () => phone = await Authenticator.EnrolAsync(browser));
        await Accounts.ForgetLastCodeAsync(site);
        await SaidAsync(user, "a second factor turned off", () => PostAsync(
            browser, Authenticator.Page, Authenticator.Page + "?handler=Off", ("OffPassword", "seven quiet rivers"), ("OffCode", phone!.Code())));
        await SaidAsync(user, "signed in anew", () => PostAsync(browser, "/account", "/login", ("Username", "ada"), ("Password", "seven quiet rivers")));
        await SaidAsync(user, "signed out", () => PostAsync(browser, "/account", "/logout"));

        using Browser again = await Accounts.SignedInAsync(site, "ada", "seven quiet rivers");
        using Browser other = await Accounts.SignedInAsync(site, "ada", "seven quiet rivers");
        Guid there = await site.Identity.ScalarAsync<Guid>("SELECT session_id FROM sessions WHERE user_id = @User AND revoked_at IS NULL ORDER BY session_id DESC LIMIT 1", new { User = user });
        await SaidAsync(user, "another session ended", () => PostAsync(again, "/account", "/account?handler=Revoke", ("sessionId", there.ToString())));
        await SaidAsync(user, "signed out everywhere", () => PostAsync(again, "/account", "/account?handler=Everywhere"));
    }

    [Fact]
    public async Task The_end_of_a_token_is_said_by_either_way()
    {
        Guid user = await Accounts.AddAsync(site, "ben");
        using Browser browser = await Accounts.SignedInAsync(site, "ben");
        (Guid first, _) = await TokenAsync(browser);
        await SaidAsync(user, "a token revoked", () => PostAsync(browser, "/account/tokens", "/account/tokens?handler=Revoke", ("tokenId", first.ToString())));
        (_, string second) = await TokenAsync(browser);
        using HttpClient program = site.Program();
        await SaidAsync(user, "a token revoked by its holder", () => program.PostAsync("/connect/revocation", new FormUrlEncodedContent([new("token", second)])));
    }

    [Fact]
    public async Task What_an_admin_changes_is_said_also_for_a_user_without_a_session()
    {
        Guid user = await Accounts.AddAsync(site, "cleo");
        using HttpClient admin = site.Program(Site.DemoToken);
        await SaidAsync(user, "another role", () => admin.PatchAsJsonAsync($"/api/v1/users/{user}", new { role = "admin" }));
        await SaidAsync(user, "disabled", () => admin.PatchAsJsonAsync($"/api/v1/users/{user}", new { status = "disabled" }));
        await SaidAsync(user, "enabled", () => admin.PatchAsJsonAsync($"/api/v1/users/{user}", new { status = "active" }));
        await SaidAsync(user, "reset", () => admin.PostAsync($"/api/v1/users/{user}/reset", null));
    }

    [Fact]
    public async Task A_new_password_gives_this_browser_a_new_id()
    {
        await Accounts.AddAsync(site, "dora");
        using Browser browser = await Accounts.SignedInAsync(site, "dora");
        string before = browser.Session!;
        await PostAsync(browser, "/account", "/account?handler=Password", ("CurrentPassword", Accounts.Password), ("NewPassword", "seven quiet rivers"));
        Assert.NotEqual(before, browser.Session);
        Assert.Contains("this one", await browser.TextAsync("/account"));
        using Browser thief = site.Browser();
        thief.Session = before;
        await Wait.UntilAsync("the old id is dead", async () => !await Accounts.IsSignedInAsync(thief), seconds: 10);

        // A new id is no new sign-in: the absolute end stays where it was.
        Assert.Equal(1, await site.Identity.ScalarAsync<long>(
            "SELECT count(DISTINCT expires_at) FROM sessions s JOIN users u USING (user_id) WHERE u.username = 'dora'"));
    }

    private async Task SaidAsync(Guid user, string what, Func<Task> act)
    {
        long before = await Accounts.RevocationsAsync(site, user);
        await act();
        Assert.True(await Accounts.RevocationsAsync(site, user) > before, what);
    }

    private static async Task PostAsync(Browser browser, string page, string action, params (string Name, string Value)[] fields)
    {
        using HttpResponseMessage answer = await browser.PostAsync(page, action, fields);
        Assert.True((int)answer.StatusCode < 400, $"{action}: {answer.StatusCode}");
    }

    private static async Task<(Guid Id, string Secret)> TokenAsync(Browser browser)
    {
        using var make = new HttpRequestMessage(HttpMethod.Post, "/api/v1/access-tokens") { Content = JsonContent.Create(new { name = "x", scopes = new[] { "usage.read" }, days = 1 }) };
        make.Headers.Add("X-CSRF-Token", await browser.CsrfAsync("/account"));
        using HttpResponseMessage made = await browser.SendAsync(make);
        JsonElement token = await made.Content.ReadFromJsonAsync<JsonElement>();
        return (token.GetProperty("id").GetGuid(), token.GetProperty("token").GetString()!);
    }
}
