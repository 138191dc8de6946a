using System.Net;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.Service.Tests.Pages;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
public sealed partial class ThrottleTests(Servers servers, Site site) : IClassFixture<Site>
{
    private const int FailuresMax = 5;

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task Five_failures_lock_a_name_for_one_address_until_the_lock_ends()
    {
        await using Site quick = await StartAsync(servers, ("Identity__LoginLockSeconds", "4"));
        using Browser browser = quick.Browser();
        using Browser elsewhere = quick.Browser("127.0.0.2");
        for (int failure = 0; failure < FailuresMax; failure++) Assert.False(await SignsInAsync(browser, "alice", "wrong"));

        Assert.False(await SignsInAsync(browser, "alice", Site.DemoPassword));
        Assert.True(await SignsInAsync(elsewhere, "alice", Site.DemoPassword));
        Assert.True(await SignsInAsync(browser, "bob", Site.DemoPassword));
        browser.Session = null;
        await Wait.UntilAsync("the lock ends", () => SignsInAsync(browser, "alice", Site.DemoPassword), seconds: 15);

        IReadOnlyList<Act> acts = await quick.ActsAsync();
        Assert.Single(acts, act => act is { Action: "lockout.start", Subject: "user:alice" });
        Assert.Single(acts, act => act is { Action: "lockout.end", Subject: "user:alice" });
        Assert.Contains(acts, act => act is { Action: "login.failure", Reason: "locked" });
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task A_lock_survives_a_restart()
    {
        await using Site locked = await StartAsync(servers);
        using (Browser browser = locked.Browser())
        {
            for (int failure = 0; failure < FailuresMax; failure++) Assert.False(await SignsInAsync(browser, "alice", "wrong"));
        }

        Uri before = locked.Identity.Address;
        await locked.Identity.RestartAsync();
        Assert.NotEqual(before, locked.Identity.Address);
        locked.Gateway.Settings["services__identity__http__0"] = locked.Identity.Address.ToString();
        await locked.Gateway.RestartAsync();
        using Browser again = locked.Browser();
        Assert.False(await SignsInAsync(again, "alice", Site.DemoPassword));
        Assert.True(await SignsInAsync(again, "bob", Site.DemoPassword));
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task Two_replicas_count_together()
    {
        await using var replica = new RunningService(
            "Identity", "identity", new Dictionary<string, string>(site.Identity.Settings), site.Identity.Superuser, servers.Issuer);
        await replica.StartAsync();
        Assert.NotEqual(site.Identity.Address, replica.Address);
        using HttpClient one = PagesSite.Browser(site.Identity, caller: null);
        using HttpClient other = PagesSite.Browser(replica, caller: null);
        foreach (HttpClient client in (HttpClient[])[one, one, one, other, other])
        {
            client.DefaultRequestHeaders.Remove("X-Forwarded-For");
            client.DefaultRequestHeaders.Add("X-Forwarded-For", "127.0.0.9");
            using HttpResponseMessage wrong = await SignInAsync(client, "wrong");
            Assert.Equal(HttpStatusCode.OK, wrong.StatusCode);
        }

        using (HttpResponseMessage locked = await SignInAsync(one, Site.DemoPassword)) Assert.Equal(HttpStatusCode.OK, locked.StatusCode);
        using (HttpResponseMessage locked = await SignInAsync(other, Site.DemoPassword)) Assert.Equal(HttpStatusCode.OK, locked.StatusCode);
        Assert.Single(await site.ActsAsync(), act => act is { Action: "lockout.start", Subject: "user:alice" });

        static Task<HttpResponseMessage> SignInAsync(HttpClient client, string password) =>
            PagesSite.SubmitAsync(client, "/login", "/login", ("Username", "alice"), ("Password", password));
    }

    [Fact]
    [Trait("Control", "AUTH-05")]
    public async Task The_end_of_a_lock_is_recorded_also_when_nobody_tries_again()
    {
        await using Site quick = await StartAsync(servers, ("Identity__LoginLockSeconds", "1"));
        using Browser browser = quick.Browser();
        for (int failure = 0; failure < FailuresMax; failure++) Assert.False(await SignsInAsync(browser, "carol", "wrong"));
        await Wait.UntilAsync("lockout.end", async () =>
            (await quick.ActsAsync()).Any(act => act is { Action: "lockout.end", Subject: "user:carol" }), seconds: 40);
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public async Task Simultaneous_tries_get_no_more_than_the_allowed_number()
    {
        const int Tries = 24;
        Browser[] browsers = [.. Enumerable.Range(0, Tries).Select(_ => site.Browser("127.0.0.3"))];
        bool[] entered = await Task.WhenAll(browsers.Select(browser => SignsInAsync(browser, "bob", "wrong")));

        Assert.DoesNotContain(true, entered);
        Assert.Equal(FailuresMax, (await site.ActsAsync()).Count(act => act is { Action: "login.failure", Subject: "user:bob", Reason: "credentials" }));
        Array.ForEach(browsers, browser => browser.Dispose());
    }

    [Fact]
    [Trait("Control", "AUTH-04")]
    public async Task Unknown_wrong_disabled_without_a_password_and_locked_look_the_same()
    {
        await site.Identity.ExecuteAsync("UPDATE users SET status = 'disabled' WHERE username = 'dave'");
        using Browser browser = site.Browser("127.0.0.4");
        (HttpStatusCode, string) unknown = await RefusalAsync(browser, "nobody", Site.DemoPassword);
        Assert.Equal(HttpStatusCode.OK, unknown.Item1);
        Assert.Equal(unknown, await RefusalAsync(browser, "carol", "wrong"));
        Assert.Equal(unknown, await RefusalAsync(browser, "dave", Site.DemoPassword));
        await Accounts.AddAsync(site, "erik", password: null);
        Assert.Equal(unknown, await RefusalAsync(browser, "erik", Site.DemoPassword));
        Assert.Equal(unknown, await RefusalAsync(browser, "not a username at all!", "x"));
        for (int failure = 0; failure < FailuresMax; failure++) await RefusalAsync(browser, "carol", "wrong");
        Assert.Equal(unknown, await RefusalAsync(browser, "carol", Site.DemoPassword));
    }

    private static async Task<Site> StartAsync(Servers servers, params (string Key, string Value)[] settings) =>
        await Site.StartAsync(servers, settings.ToDictionary(setting => setting.Key, setting => setting.Value));

    private static async Task<bool> SignsInAsync(Browser browser, string username, string password)
    {
        using HttpResponseMessage answer = await browser.SignInAsync(username, password);
        return answer.StatusCode == HttpStatusCode.SeeOther;
    }

    private static async Task<(HttpStatusCode Status, string Page)> RefusalAsync(Browser browser, string username, string password)
    {
        using HttpResponseMessage answer = await browser.SignInAsync(username, password);
        string page = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, Changing.Replace(page, ""));
    }

    [GeneratedRegex("value=\"[^\"]*\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Changing { get; }
}
