using System.Net;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
public sealed class SecondFactorTests(Site site) : IClassFixture<Site>
{
    private const string SecondStep = "/login/second-factor";
    private const string Page = Authenticator.Page;

    [Fact]
    public async Task It_is_on_when_a_first_code_was_right_and_not_before()
    {
        await Accounts.AddAsync(site, "gina");
        using Browser browser = await Accounts.SignedInAsync(site, "gina");
        string key = await Authenticator.BeginAsync(browser);
        Assert.Equal(32, key.Length); // 160 bits
        Assert.Contains("src=\"data:image/png;base64,", await browser.TextAsync(Page));

        using (HttpResponseMessage refused = await browser.PostAsync(Page, Page + "?handler=Confirm", ("Code", "12345")))
            Assert.Contains("not the code of now", await refused.Content.ReadAsStringAsync());
        using Browser elsewhere = await Accounts.SignedInAsync(site, "gina");

        Authenticator phone = await Authenticator.EnrolAsync(browser);
        Assert.Equal(10, phone.RecoveryCodes.Distinct().Count());
        Assert.NotEqual(key, phone.Key);
        Assert.DoesNotContain(phone.Key[..4] + " ", await browser.TextAsync(Page));
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "second_factor.enabled", Subject: "user:gina" });
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task Turning_it_on_gives_this_browser_a_new_id_and_ends_the_others()
    {
        await Accounts.AddAsync(site, "hugo");
        using Browser here = await Accounts.SignedInAsync(site, "hugo");
        using Browser there = await Accounts.SignedInAsync(site, "hugo");
        string before = here.Session!;
        await Authenticator.EnrolAsync(here);

        Assert.NotEqual(before, here.Session);
        Assert.True(await Accounts.IsSignedInAsync(here));
        using Browser thief = site.Browser();
        thief.Session = before;
        await Wait.UntilAsync("the old id is dead", async () => !await Accounts.IsSignedInAsync(thief), seconds: 10);
        await Wait.UntilAsync("the other browser is signed out", async () => !await Accounts.IsSignedInAsync(there), seconds: 10);
    }

    [Fact]
    public async Task Signing_in_takes_a_code_and_takes_each_code_once()
    {
        Authenticator phone = await EnrolledAsync("ines");
        using Browser browser = site.Browser();
        await PasswordStepAsync(browser, "ines");
        Assert.False(await Accounts.IsSignedInAsync(browser));
        Assert.False(await CodeStepAsync(browser, phone.Code())); // the one that turned it on
        await Accounts.ForgetLastCodeAsync(site);
        string code = phone.Code();
        Assert.True(await CodeStepAsync(browser, code));
        Assert.True(await Accounts.IsSignedInAsync(browser));

        using Browser again = site.Browser();
        await PasswordStepAsync(again, "ines");
        Assert.False(await CodeStepAsync(again, code));
        Assert.True(await CodeStepAsync(again, phone.NextCode()));
        IReadOnlyList<Act> acts = await site.ActsAsync();
        Assert.Contains(acts, act => act is { Action: "login.second_factor.failure", Subject: "user:ines", Reason: "code" });
        Assert.Equal(3, acts.Count(act => act is { Action: "login.success", Subject: "user:ines" }));
    }

    [Fact]
    public async Task A_recovery_code_opens_once()
    {
        Authenticator phone = await EnrolledAsync("jana");
        using Browser browser = site.Browser();
        await PasswordStepAsync(browser, "jana");
        Assert.True(await CodeStepAsync(browser, phone.RecoveryCodes[3].ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal)));
        Assert.Contains("Recovery codes left: 9", await browser.TextAsync(Page));

        using Browser again = site.Browser();
        await PasswordStepAsync(again, "jana");
        Assert.False(await CodeStepAsync(again, phone.RecoveryCodes[3]));
        Assert.True(await CodeStepAsync(again, phone.RecoveryCodes[4]));
    }

    [Fact]
    public async Task What_follows_the_password_belongs_to_that_browser_is_short_and_opens_nothing_else()
    {
        Authenticator phone = await EnrolledAsync("kurt");
        await Accounts.ForgetLastCodeAsync(site);
        using Browser browser = site.Browser();
        using Browser other = site.Browser();
        await PasswordStepAsync(browser, "kurt");
        string cookie = Assert.Single(browser.LastSetCookies, cookie => cookie.StartsWith("__Host-signin=", StringComparison.Ordinal));
        string[] attributes = [.. cookie.Split("; ").Skip(1).Select(part => part.ToLowerInvariant()).Where(part => !part.StartsWith("expires", StringComparison.Ordinal)).Order()];
        Assert.Equal(["httponly", "max-age=300", "path=/", "samesite=strict", "secure"], attributes);

        using (HttpResponseMessage stranger = await other.GetAsync(SecondStep))
            Assert.Equal("/login?after=time", stranger.Headers.Location?.OriginalString);
        using (HttpResponseMessage stranger = await other.PostAsync("/login", SecondStep, ("Code", phone.Code())))
            Assert.Equal("/login?after=time", stranger.Headers.Location?.OriginalString);
        Assert.Null(other.Session);

        string field = await browser.CsrfAsync(SecondStep);
        await site.Identity.ExecuteAsync("UPDATE pending_sign_ins SET created_at = now() - interval '6 minutes', expires_at = now() - interval '1 minute'");
        using HttpResponseMessage late = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, SecondStep)
        {
            Content = new FormUrlEncodedContent([new("__csrf", field), new("Code", phone.Code())]),
        });
        Assert.Equal("/login?after=time", late.Headers.Location?.OriginalString);
        Assert.Contains("Begin again", await browser.TextAsync("/login?after=time"));
        Assert.Null(browser.Session);
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task Codes_are_counted_with_the_passwords_and_a_right_password_forgives_none()
    {
        const string Address = "127.0.0.31";
        Authenticator phone = await EnrolledAsync("lena");
        await Accounts.ForgetLastCodeAsync(site);
        using Browser browser = site.Browser(Address);
        await PasswordStepAsync(browser, "lena"); // the first of five
        Assert.False(await CodeStepAsync(browser, phone.WrongCode()));
        await PasswordStepAsync(browser, "lena");
        Assert.False(await CodeStepAsync(browser, phone.WrongCode()));
        await PasswordStepAsync(browser, "lena");

        Assert.False(await CodeStepAsync(browser, phone.Code()));
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "login.second_factor.failure", Subject: "user:lena", Reason: "locked" });
        using Browser elsewhere = site.Browser("127.0.0.32");
        await PasswordStepAsync(elsewhere, "lena");
        Assert.True(await CodeStepAsync(elsewhere, phone.Code()));
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task Codes_from_many_addresses_are_counted_together()
    {
        Authenticator phone = await EnrolledAsync("mona");
        await Accounts.ForgetLastCodeAsync(site);
        for (int address = 41; address < 46; address++)
        {
            using Browser browser = site.Browser($"127.0.0.{address}");
            await PasswordStepAsync(browser, "mona");
            for (int guess = 0; guess < 4; guess++) Assert.False(await CodeStepAsync(browser, phone.WrongCode()));
        }

        using Browser fresh = site.Browser("127.0.0.46");
        await PasswordStepAsync(fresh, "mona");
        Assert.False(await CodeStepAsync(fresh, phone.Code()));
    }

    [Fact]
    public async Task The_database_knows_neither_the_key_nor_the_codes()
    {
        Authenticator phone = await EnrolledAsync("nora");
        Assert.Equal(0, await site.Identity.ScalarAsync<long>("SELECT count(*) FROM second_factors WHERE position(@Secret IN secret) > 0", new { phone.Secret }));
        string everything = string.Join('\n', await site.Identity.QueryAsync<string>(
            "SELECT r::text FROM recovery_codes r UNION ALL SELECT f::text FROM second_factors f UNION ALL SELECT body::text FROM outbox"));
        foreach (string code in phone.RecoveryCodes.Append(phone.Key)) Assert.DoesNotContain(code.Replace("-", "", StringComparison.Ordinal), everything.Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(phone.Key, site.Identity.Log);
    }

    [Fact]
    public async Task New_recovery_codes_end_the_earlier_ones_and_take_a_code()
    {
        await Accounts.AddAsync(site, "otto");
        using Browser browser = await Accounts.SignedInAsync(site, "otto");
        Authenticator phone = await Authenticator.EnrolAsync(browser);
        await Accounts.ForgetLastCodeAsync(site);
        using (HttpResponseMessage refused = await browser.PostAsync(Page, Page + "?handler=Renew", ("RenewCode", phone.WrongCode())))
            Assert.Empty(Authenticator.CodesOn(await refused.Content.ReadAsStringAsync()));
        using HttpResponseMessage answer = await browser.PostAsync(Page, Page + "?handler=Renew", ("RenewCode", phone.Code()));
        IReadOnlyList<string> renewed = Authenticator.CodesOn(await answer.Content.ReadAsStringAsync());
        Assert.Equal(10, renewed.Count);
        Assert.True(answer.Headers.CacheControl!.NoStore);

        using Browser again = site.Browser();
        await PasswordStepAsync(again, "otto");
        Assert.False(await CodeStepAsync(again, phone.RecoveryCodes[0]));
        Assert.True(await CodeStepAsync(again, renewed[0]));
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task Turning_it_off_takes_password_and_code_and_gives_a_new_id()
    {
        await Accounts.AddAsync(site, "paul");
        using Browser browser = await Accounts.SignedInAsync(site, "paul");
        Authenticator phone = await Authenticator.EnrolAsync(browser);
        await Accounts.ForgetLastCodeAsync(site);
        string before = browser.Session!;
        Assert.Contains("not right", await OffAsync(browser, "a wrong password", phone.Code()));
        Assert.Contains("not right", await OffAsync(browser, Accounts.Password, phone.WrongCode()));
        Assert.Equal(before, browser.Session);
        Assert.Contains("second factor is off", await OffAsync(browser, Accounts.Password, phone.Code()));

        Assert.NotEqual(before, browser.Session);
        Assert.True(await Accounts.IsSignedInAsync(browser));
        using Browser again = await Accounts.SignedInAsync(site, "paul");
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "second_factor.disabled", Subject: "user:paul" });
    }

    [Fact]
    public async Task An_admin_takes_off_a_lost_one_but_not_his_own()
    {
        Guid rosa = await Accounts.AddAsync(site, "rosa");
        using Browser browser = await Accounts.SignedInAsync(site, "rosa");
        using HttpClient admin = site.Program(Site.DemoToken);
        using (HttpResponseMessage none = await admin.DeleteAsync($"/api/v1/users/{rosa}/second-factor"))
            Assert.Equal(HttpStatusCode.Conflict, none.StatusCode);
        await Authenticator.EnrolAsync(browser);
        using (HttpResponseMessage removed = await admin.DeleteAsync($"/api/v1/users/{rosa}/second-factor"))
            Assert.Equal(HttpStatusCode.OK, removed.StatusCode);

        await Wait.UntilAsync("the session ends", async () => !await Accounts.IsSignedInAsync(browser), seconds: 10);
        using Browser again = await Accounts.SignedInAsync(site, "rosa");
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "user.second_factor_removed", Subject: "user:rosa" });
        Guid self = await site.Identity.ScalarAsync<Guid>("SELECT user_id FROM users WHERE username = 'admin'");
        using HttpResponseMessage own = await admin.DeleteAsync($"/api/v1/users/{self}/second-factor");
        Assert.Equal(HttpStatusCode.Conflict, own.StatusCode);
    }

    private async Task<Authenticator> EnrolledAsync(string username)
    {
        await Accounts.AddAsync(site, username);
        using Browser browser = await Accounts.SignedInAsync(site, username);
        return await Authenticator.EnrolAsync(browser);
    }

    private static async Task PasswordStepAsync(Browser browser, string username)
    {
        using HttpResponseMessage answer = await browser.SignInAsync(username, Accounts.Password);
        Assert.Equal(SecondStep + "?returnUrl=%2Fme", answer.Headers.Location?.OriginalString);
        Assert.Null(browser.Session);
    }

    private static async Task<bool> CodeStepAsync(Browser browser, string code)
    {
        using HttpResponseMessage answer = await browser.PostAsync(SecondStep, SecondStep, ("Code", code), ("ReturnUrl", "/me"));
        if (answer.StatusCode == HttpStatusCode.OK) Assert.Contains("That code is not right", await answer.Content.ReadAsStringAsync());
        else Assert.Equal("/me", answer.Headers.Location?.OriginalString);
        return answer.StatusCode == HttpStatusCode.SeeOther;
    }

    private static async Task<string> OffAsync(Browser browser, string password, string code)
    {
        using HttpResponseMessage answer = await browser.PostAsync(Page, Page + "?handler=Off", ("OffPassword", password), ("OffCode", code));
        return await answer.Content.ReadAsStringAsync();
    }
}
