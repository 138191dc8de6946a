using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
[Trait("Control", "AUTH-01")]
public sealed class PasswordCodeTests(Site site) : IClassFixture<Site>
{
    private const string Page = "/login/reset";
    private const string Fresh = "four grey herons wait";

    [Fact]
    public async Task An_account_without_a_password_gets_one_from_its_owner_with_a_code_that_works_once()
    {
        JsonElement made = await CreateAsync("tara");
        string code = made.GetProperty("code").GetString()!;
        Assert.Matches("^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$", code);
        Assert.Equal(Page, made.GetProperty("codePath").GetString());
        Assert.InRange(made.GetProperty("codeExpiresAt").GetDateTimeOffset() - DateTimeOffset.UtcNow, TimeSpan.FromHours(23), TimeSpan.FromHours(24));
        Assert.False(made.GetProperty("hasPassword").GetBoolean());
        using Browser browser = site.Browser();
        Assert.Equal(HttpStatusCode.OK, (await browser.SignInAsync("tara", code)).StatusCode);

        // A weak password is refused with its reason, and the code is still good.
        using (HttpResponseMessage weak = await SetAsync(browser, "tara", code, "Password1234!"))
            Assert.Contains("must not be a common password", await weak.Content.ReadAsStringAsync());
        using (HttpResponseMessage done = await SetAsync(browser, "tara", code.ToLowerInvariant().Replace("-", "", StringComparison.Ordinal), Fresh))
            Assert.Equal("/login?after=password", done.Headers.Location?.OriginalString);
        using (HttpResponseMessage again = await SetAsync(browser, "tara", code, "another long sentence"))
            Assert.Contains("do not match", await again.Content.ReadAsStringAsync());
        using Browser signedIn = await Accounts.SignedInAsync(site, "tara", Fresh);
        IReadOnlyList<Act> acts = await site.ActsAsync();
        Assert.Contains(acts, act => act is { Action: "user.created", Subject: "user:tara" });
        Assert.Contains(acts, act => act is { Action: "user.password_set", Subject: "user:tara" });
        Assert.Contains(acts, act => act is { Action: "password_code.failure", Subject: "user:tara", Reason: "code" });
    }

    [Fact]
    public async Task A_reset_ends_the_old_password_the_sessions_and_an_earlier_code_at_once()
    {
        Guid ulla = await Accounts.AddAsync(site, "ulla");
        using Browser browser = await Accounts.SignedInAsync(site, "ulla");
        JsonElement first = await ResetAsync(ulla);
        await Wait.UntilAsync("the session ends", async () => !await Accounts.IsSignedInAsync(browser), seconds: 10);
        using Browser fresh = site.Browser();
        Assert.Equal(HttpStatusCode.OK, (await fresh.SignInAsync("ulla", Accounts.Password)).StatusCode);
        Assert.False(first.GetProperty("hasPassword").GetBoolean());

        JsonElement second = await ResetAsync(ulla);
        using (HttpResponseMessage old = await SetAsync(fresh, "ulla", first.GetProperty("code").GetString()!, Fresh)) Assert.Equal(HttpStatusCode.OK, old.StatusCode);
        using (HttpResponseMessage done = await SetAsync(fresh, "ulla", second.GetProperty("code").GetString()!, Fresh)) Assert.Equal(HttpStatusCode.SeeOther, done.StatusCode);
        using Browser signedIn = await Accounts.SignedInAsync(site, "ulla", Fresh);
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "user.reset", Subject: "user:ulla" });
    }

    [Fact]
    public async Task A_code_is_its_accounts_alone_expires_and_is_hashed_at_rest()
    {
        string code = (await CreateAsync("vera")).GetProperty("code").GetString()!;
        await CreateAsync("wolf");
        using Browser browser = site.Browser("127.0.0.61");
        using (HttpResponseMessage stranger = await SetAsync(browser, "wolf", code, Fresh)) Assert.Equal(HttpStatusCode.OK, stranger.StatusCode);
        string stored = string.Join('\n', await site.Identity.QueryAsync<string>("SELECT c::text FROM password_codes c UNION ALL SELECT body::text FROM outbox"));
        Assert.DoesNotContain(code, stored);
        Assert.DoesNotContain(code, site.Identity.Log);

        await site.Identity.ExecuteAsync("UPDATE password_codes SET created_at = now() - interval '25 hours', expires_at = now() - interval '1 hour'");
        using HttpResponseMessage late = await SetAsync(browser, "vera", code, Fresh);
        Assert.Contains("do not match", await late.Content.ReadAsStringAsync());
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task Codes_are_throttled_like_passwords()
    {
        string code = (await CreateAsync("xena")).GetProperty("code").GetString()!;
        using Browser browser = site.Browser("127.0.0.62");
        for (int guess = 0; guess < 5; guess++)
        {
            using HttpResponseMessage wrong = await SetAsync(browser, "xena", $"0000-0000-0000-000{guess}", Fresh);
            Assert.Equal(HttpStatusCode.OK, wrong.StatusCode);
        }

        using (HttpResponseMessage locked = await SetAsync(browser, "xena", code, Fresh)) Assert.Equal(HttpStatusCode.OK, locked.StatusCode);
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "lockout.start", Subject: "user:xena" });
        using Browser elsewhere = site.Browser("127.0.0.63");
        using HttpResponseMessage done = await SetAsync(elsewhere, "xena", code, Fresh);
        Assert.Equal(HttpStatusCode.SeeOther, done.StatusCode);
    }

    [Fact]
    public async Task One_does_not_reset_oneself_nor_a_disabled_account()
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        Guid self = await site.Identity.ScalarAsync<Guid>("SELECT user_id FROM users WHERE username = 'admin'");
        Assert.Equal(HttpStatusCode.Conflict, (await admin.PostAsync($"/api/v1/users/{self}/reset", null)).StatusCode);
        Guid yuri = await Accounts.AddAsync(site, "yuri");
        using (await admin.PatchAsJsonAsync($"/api/v1/users/{yuri}", new { status = "disabled" })) { }
        Assert.Equal(HttpStatusCode.Conflict, (await admin.PostAsync($"/api/v1/users/{yuri}/reset", null)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await admin.PostAsync($"/api/v1/users/{Guid.CreateVersion7()}/reset", null)).StatusCode);
        using Browser user = await Accounts.SignedInAsync(site, "alice", Site.DemoPassword);
        using var attempt = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/users/{yuri}/reset");
        attempt.Headers.Add("X-CSRF-Token", await user.CsrfAsync("/account"));
        Assert.Equal(HttpStatusCode.Forbidden, (await user.SendAsync(attempt)).StatusCode);
    }

    [Theory]
    [InlineData("Password1234!", "common")]
    [InlineData("qwertyuiop[]", "sequences")]
    [InlineData("zara and the sea", "username")]
    public async Task The_rules_hold_when_an_account_is_made_too(string password, string reason)
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        using HttpResponseMessage refused = await admin.PostAsJsonAsync("/api/v1/users", new { username = "zara", password });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains(reason, (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").GetProperty("password")[0].GetString());
    }

    private async Task<JsonElement> CreateAsync(string username)
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        using HttpResponseMessage created = await admin.PostAsJsonAsync("/api/v1/users", new { username });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.True(created.Headers.CacheControl!.NoStore);
        return await created.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<JsonElement> ResetAsync(Guid userId)
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        using HttpResponseMessage reset = await admin.PostAsync($"/api/v1/users/{userId}/reset", null);
        Assert.Equal(HttpStatusCode.OK, reset.StatusCode);
        return await reset.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static Task<HttpResponseMessage> SetAsync(Browser browser, string username, string code, string password) =>
        browser.PostAsync(Page, Page, ("Username", username), ("Code", code), ("NewPassword", password));
}
