using System.Net;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>People sign in at a provider that nobody here wrote and come back through the real gateway.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "AUTH-09")]
public sealed class CampusSignInTests(Servers servers)
{
    private const string Start = "/login/with/campus";

    private static readonly Dictionary<string, object> People = new(StringComparer.Ordinal)
    {
        ["s-anna"] = new { preferred_username = "anna", roles = new[] { "hpc-admin" } },
        ["s-ben"] = new { preferred_username = "ben" },
        ["s-alice"] = new { preferred_username = "alice" },
        ["s-odd"] = new { preferred_username = "no unix name" },
        ["s-none"] = new { name = "None" },
    };

    [NodeFact]
    [Trait("Control", "AUTH-05")]
    public async Task Somebody_new_gets_an_account_and_a_session_like_any_other()
    {
        await using Campus campus = await Campus.StartAsync(servers, justInTime: true);
        using Browser browser = campus.Site.Browser();
        Assert.Contains("Sign in with University &lt;of&gt; Tests", await browser.TextAsync("/login?returnUrl=%2Fme"));
        Uri away = await campus.LeaveAsync(browser, Start + "?returnUrl=%2Fme%3Fview%3Dbilled");
        Assert.Equal("S256", NodeProvider.Parameter(away, "code_challenge_method"));
        Assert.Equal("code", NodeProvider.Parameter(away, "response_type"));
        string cookie = Assert.Single(browser.LastSetCookies, cookie => cookie.StartsWith("__Host-visit=", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(NodeProvider.Parameter(away, "state"), cookie);

        using HttpResponseMessage back = await browser.GetAsync((await campus.Provider.VisitAsync(away, "s-anna")).PathAndQuery);
        Assert.Equal((HttpStatusCode.SeeOther, "/me?view=billed"), (back.StatusCode, back.Headers.Location?.OriginalString));
        Assert.Contains(">anna<", await browser.TextAsync("/account"));
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/admin/tariffs")).StatusCode); // by the rule for her role
        Assert.Equal(1, await campus.Site.Identity.ScalarAsync<long>("SELECT count(*) FROM users WHERE username = 'anna' AND password_hash IS NULL"));

        // The second time it is the same account; a password opens it never.
        using Browser again = campus.Site.Browser();
        Assert.Equal(HttpStatusCode.SeeOther, (await campus.SignInAsync(again, "s-anna")).StatusCode);
        Assert.Equal(1, await campus.Site.Identity.ScalarAsync<long>("SELECT count(*) FROM external_logins"));
        using Browser guess = campus.Site.Browser();
        using (await guess.SignInAsync("anna", "")) { }
        Assert.Null(guess.Session);

        IReadOnlyList<string> acts = await campus.Site.Identity.QueryAsync<string>(
            "SELECT (body->>'action') || ' ' || (body->>'actor') || ' ' || (body->'details'->>'provider') FROM outbox WHERE body->'details' ? 'provider' ORDER BY id");
        Assert.Equal(["user.created anna campus", "login.success anna campus", "login.success anna campus"], acts);

        // The session is one like any other: it ends with a sign-out.
        using (await browser.PostAsync("/account", "/logout")) { }
        Assert.Null(browser.Session);
    }

    [NodeFact]
    public async Task An_account_of_the_same_name_is_never_taken_over_and_its_owner_links_it()
    {
        await using Campus campus = await Campus.StartAsync(servers, justInTime: true);
        using Browser stranger = campus.Site.Browser();
        await ExpectRefusedAsync(await campus.SignInAsync(stranger, "s-alice"), HttpStatusCode.Forbidden, "An account of that name exists already");
        Assert.Null(stranger.Session);

        using Browser alice = campus.Site.Browser();
        using (await alice.SignInAsync("alice", Site.DemoPassword)) { }
        Assert.Contains("Nothing is linked yet", await alice.TextAsync("/account/logins"));
        Assert.Equal((HttpStatusCode.SeeOther, "/account/logins?after=link"), await LinkAsync(campus, alice, "s-alice"));
        Assert.Contains("The sign-in is linked", await alice.TextAsync("/account/logins?after=link"));
        Assert.Equal(HttpStatusCode.SeeOther, (await campus.SignInAsync(stranger, "s-alice")).StatusCode);
        Assert.Contains(">alice<", await stranger.TextAsync("/account"));

        // Bob cannot have it as well.
        using Browser bob = campus.Site.Browser();
        using (await bob.SignInAsync("bob", Site.DemoPassword)) { }
        Assert.Equal(HttpStatusCode.Conflict, (await LinkAsync(campus, bob, "s-alice")).Status);

        string subject = "s-alice";
        using HttpResponseMessage unlinked = await alice.PostAsync(
            "/account/logins", "/account/logins?handler=Unlink", ("issuer", campus.Provider.Issuer), ("subject", subject));
        Assert.Contains("The sign-in is unlinked", await unlinked.Content.ReadAsStringAsync());
        using Browser later = campus.Site.Browser();
        await ExpectRefusedAsync(await campus.SignInAsync(later, "s-alice"), HttpStatusCode.Forbidden, "An account of that name exists already");
        Assert.Equal(["login.linked", "login.unlinked"], (await campus.Site.ActsAsync()).Select(act => act.Action).Where(action => action.StartsWith("login.", StringComparison.Ordinal) && action.EndsWith("linked", StringComparison.Ordinal)));
    }

    [NodeFact]
    public async Task The_only_way_into_an_account_cannot_be_unlinked_and_a_link_is_no_use_in_another_browser()
    {
        await using Campus campus = await Campus.StartAsync(servers, justInTime: true);
        using Browser ben = campus.Site.Browser();
        using (await campus.SignInAsync(ben, "s-ben")) { }
        using HttpResponseMessage kept = await ben.PostAsync(
            "/account/logins", "/account/logins?handler=Unlink", ("issuer", campus.Provider.Issuer), ("subject", "s-ben"));
        Assert.Contains("the only way into this account", await kept.Content.ReadAsStringAsync());

        // Carol asks to be linked and signs out; whoever signs in next in this browser is not linked in her place.
        using Browser shared = campus.Site.Browser();
        using (await shared.SignInAsync("carol", Site.DemoPassword)) { }
        Uri away = await BeginLinkAsync(shared);
        Uri back = await campus.Provider.VisitAsync(away, "s-none");
        using (await shared.PostAsync("/account", "/logout")) { }
        using (await shared.SignInAsync("dave", Site.DemoPassword)) { }
        await ExpectRefusedAsync(await shared.GetAsync(back.PathAndQuery), HttpStatusCode.BadRequest, "Begin again");
        Assert.Equal(1, await campus.Site.Identity.ScalarAsync<long>("SELECT count(*) FROM external_logins"));
    }

    [NodeFact]
    public async Task An_answer_to_another_browser_state_nonce_or_provider_is_refused()
    {
        await using Campus campus = await Campus.StartAsync(servers, justInTime: true);
        await using NodeProvider other = await NodeProvider.StartAsync(People);
        using Browser browser = campus.Site.Browser();

        // Wrong state, and the right one in another browser.
        Uri back = await campus.Provider.VisitAsync(await campus.LeaveAsync(browser, Start), "s-ben");
        await ExpectRefusedAsync(await browser.GetAsync(With(back, "state", "wrong")), HttpStatusCode.BadRequest, "Begin again");
        back = await campus.Provider.VisitAsync(await campus.LeaveAsync(browser, Start), "s-ben");
        using Browser thief = campus.Site.Browser();
        await ExpectRefusedAsync(await thief.GetAsync(back.PathAndQuery), HttpStatusCode.BadRequest, "Begin again");

        // A state is good once, also for a browser that kept its cookie.
        string visit = browser.Cookie("__Host-visit")!;
        using (HttpResponseMessage good = await browser.GetAsync(back.PathAndQuery)) Assert.Equal(HttpStatusCode.SeeOther, good.StatusCode);
        using Browser replay = campus.Site.Browser();
        replay.SetCookie("__Host-visit", visit);
        await ExpectRefusedAsync(await replay.GetAsync(back.PathAndQuery), HttpStatusCode.BadRequest, "Begin again");

        // A code of an earlier visit, under a fresh state; and one whose ID token has another nonce.
        using Browser second = campus.Site.Browser();
        Uri away = await campus.LeaveAsync(second, Start);
        await ExpectRefusedAsync(
            await second.GetAsync(With(back, "state", NodeProvider.Parameter(away, "state"))), HttpStatusCode.Forbidden, "could not be verified");
        away = await campus.LeaveAsync(second, Start);
        Uri foreignNonce = await campus.Provider.VisitAsync(new Uri(With(away, "nonce", "another", absolute: true)), "s-ben");
        await ExpectRefusedAsync(await second.GetAsync(foreignNonce.PathAndQuery), HttpStatusCode.Forbidden, "could not be verified");

        // Another provider's answer, with and without its name on it; and an answer without any.
        foreach (string? issuer in new[] { other.Issuer, null })
        {
            away = await campus.LeaveAsync(second, Start);
            Uri mixedUp = await other.VisitAsync(new Uri(away.ToString().Replace(campus.Provider.Issuer, other.Issuer, StringComparison.Ordinal)), "s-ben");
            await ExpectRefusedAsync(await second.GetAsync(With(mixedUp, "iss", issuer)), HttpStatusCode.Forbidden, "could not be verified");
        }

        away = await campus.LeaveAsync(second, Start);
        Uri passedOff = await other.VisitAsync(new Uri(away.ToString().Replace(campus.Provider.Issuer, other.Issuer, StringComparison.Ordinal)), "s-ben");
        await ExpectRefusedAsync(await second.GetAsync(With(passedOff, "iss", campus.Provider.Issuer)), HttpStatusCode.Forbidden, "could not be verified");
        Assert.Null(second.Session);
        Assert.Null(thief.Session);
        Assert.Null(replay.Session);
        Assert.Contains(await campus.Site.ActsAsync(), act => act is { Action: "login.failure", Reason: "unverified" });
    }

    [NodeFact]
    public async Task A_person_without_an_account_a_disabled_one_and_one_who_cancels_are_told_so()
    {
        await using Campus campus = await Campus.StartAsync(servers, justInTime: true);
        using Browser browser = campus.Site.Browser();
        await ExpectRefusedAsync(await campus.SignInAsync(browser, "s-odd"), HttpStatusCode.Forbidden, "a username that an account could have");
        await ExpectRefusedAsync(await campus.SignInAsync(browser, "s-none"), HttpStatusCode.Forbidden, "a username that an account could have");
        await ExpectRefusedAsync(await campus.SignInAsync(browser, "nobody"), HttpStatusCode.Forbidden, "cancelled or refused");
        using (await campus.SignInAsync(browser, "s-ben")) { }
        await campus.Site.Identity.ExecuteAsync("UPDATE users SET status = 'disabled' WHERE username = 'ben'");
        using Browser later = campus.Site.Browser();
        await ExpectRefusedAsync(await campus.SignInAsync(later, "s-ben"), HttpStatusCode.Forbidden, "The account is disabled");

        await using Campus closed = await Campus.StartAsync(servers, justInTime: false);
        using Browser stranger = closed.Site.Browser();
        await ExpectRefusedAsync(await closed.SignInAsync(stranger, "s-ben"), HttpStatusCode.Forbidden, "No account here is linked");
        Assert.Equal(0, await closed.Site.Identity.ScalarAsync<long>("SELECT count(*) FROM users WHERE username = 'ben'"));
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.GetAsync("/login/with/unknown")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await stranger.GetAsync("/login/with/unknown/callback")).StatusCode);

        await closed.Provider.DisposeAsync();
        await closed.Site.Identity.RestartAsync(); // with nothing kept of the provider
        closed.Site.Gateway.Settings["services__identity__http__0"] = closed.Site.Identity.Address.ToString();
        await closed.Site.Gateway.RestartAsync();
        await ExpectRefusedAsync(await stranger.GetAsync(Start), HttpStatusCode.BadGateway, "does not answer at the moment");
        using HttpResponseMessage login = await stranger.SignInAsync("alice", Site.DemoPassword); // the way with a password stays open
        Assert.Equal(HttpStatusCode.SeeOther, login.StatusCode);
    }

    [Theory]
    [InlineData("Id", "Campus!", "Identity:Providers:0:Id must be")]
    [InlineData("Name", "", "Identity:Providers:0:Name is missing")]
    [InlineData("Authority", "campus", "Identity:Providers:0:Authority must be")]
    [InlineData("ClientId", "", "Identity:Providers:0:ClientId is missing")]
    [InlineData("ClientSecret", "", "Identity:Providers:0:ClientSecret is missing")]
    [InlineData("Scopes", "profile", "Identity:Providers:0:Scopes must contain openid")]
    [InlineData("Algorithms__0", "HS256", "Identity:Providers:0:Algorithms: HS256")]
    [InlineData("RoleRules__0__Role", "root", "Identity:Providers:0:RoleRules:0:Role must be user or admin")]
    public async Task Identity_does_not_start_with_a_provider_that_is_not_fully_said(string key, string value, string expected)
    {
        await using RunningService identity = await servers.PrepareServiceAsync("Identity", ProviderSettings("https://campus.example.org", justInTime: false), database: null);
        identity.Settings["Identity__Providers__0__" + key] = value;
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(identity.StartAsync);
        Assert.Contains(expected, refused.Message);
    }

    private static Dictionary<string, string> ProviderSettings(string authority, bool justInTime) => new(StringComparer.Ordinal)
    {
        ["Identity__Providers__0__Id"] = "campus",
        ["Identity__Providers__0__Name"] = "University <of> Tests",
        ["Identity__Providers__0__Authority"] = authority,
        ["Identity__Providers__0__ClientId"] = "hpcbilling",
        ["Identity__Providers__0__ClientSecret"] = NodeProvider.ClientSecret,
        ["Identity__Providers__0__JustInTime"] = justInTime ? "true" : "false",
        ["Identity__Providers__0__RoleRules__0__Claim"] = "roles",
        ["Identity__Providers__0__RoleRules__0__Value"] = "hpc-admin",
    };

    private static async Task<(HttpStatusCode Status, string? Location)> LinkAsync(Campus campus, Browser browser, string person)
    {
        Uri back = await campus.Provider.VisitAsync(await BeginLinkAsync(browser), person);
        using HttpResponseMessage answer = await browser.GetAsync(back.PathAndQuery);
        return (answer.StatusCode, answer.Headers.Location?.OriginalString);
    }

    private static async Task<Uri> BeginLinkAsync(Browser browser)
    {
        using HttpResponseMessage page = await browser.PostAsync("/account/logins", "/account/logins?handler=Link", ("provider", "campus"));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.StartsWith("0; url=http://127.0.0.1", page.Headers.GetValues("Refresh").Single());
        Match link = Regex.Match(await page.Content.ReadAsStringAsync(), "class=\"button primary\" href=\"([^\"]+)\"");
        return new Uri(WebUtility.HtmlDecode(link.Groups[1].Value));
    }

    private static async Task ExpectRefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string words)
    {
        using (answer)
        {
            string page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync());
            Assert.True(answer.StatusCode == status, $"{answer.StatusCode}: {page}");
            Assert.Contains(words, page);
            Assert.Contains("href=\"/login\"", page);
        }
    }

    private static string With(Uri address, string name, string? value, bool absolute = false)
    {
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query).ToDictionary(pair => pair.Key, pair => (string?)pair.Value.ToString());
        if (value is null) query.Remove(name);
        else query[name] = value;
        return Microsoft.AspNetCore.WebUtilities.QueryHelpers.AddQueryString(absolute ? address.GetLeftPart(UriPartial.Path) : address.AbsolutePath, query);
    }

    /// <summary>A provider and a site that knows it.</summary>
    private sealed record Campus(NodeProvider Provider, Site Site) : IAsyncDisposable
    {
        public static async Task<Campus> StartAsync(Servers servers, bool justInTime)
        {
            NodeProvider provider = await NodeProvider.StartAsync(People);
            return new Campus(provider, await Site.StartAsync(servers, ProviderSettings(provider.Issuer, justInTime)));
        }

        /// <returns>Where the site sends the browser.</returns>
        public async Task<Uri> LeaveAsync(Browser browser, string start)
        {
            using HttpResponseMessage answer = await browser.GetAsync(start);
            Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
            Assert.StartsWith(Provider.Issuer, answer.Headers.Location!.ToString());
            return answer.Headers.Location;
        }

        public async Task<HttpResponseMessage> SignInAsync(Browser browser, string person)
        {
            Uri back = await Provider.VisitAsync(await LeaveAsync(browser, Start), person);
            return await browser.GetAsync(back.PathAndQuery);
        }

        public async ValueTask DisposeAsync()
        {
            await Site.DisposeAsync();
            await Provider.DisposeAsync();
        }
    }
}
