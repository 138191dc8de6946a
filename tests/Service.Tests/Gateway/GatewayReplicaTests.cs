using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using Xunit.Abstractions;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class GatewayReplicaTests(ReplicaSite site, ITestOutputHelper output) : IClassFixture<ReplicaSite>
{
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(1);

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task A_sign_out_reaches_every_gateway_within_a_second()
    {
        await EveryGatewayHearsAsync();
        using Browser one = site.At(0);
        using (await one.SignInAsync("alice", Site.DemoPassword)) { }
        using Browser other = site.At(1, cookiesOf: one);
        string form = await one.CsrfAsync("/logout");
        await UseAsync(one, other);

        using Browser after = site.At(0, cookiesOf: one);
        using HttpResponseMessage answer = await SendFormAsync(one, "/logout", form);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        await RefusedWithinASecondAsync(after, other);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task A_sign_out_everywhere_at_one_gateway_ends_the_sessions_in_use_at_another()
    {
        await EveryGatewayHearsAsync();
        using Browser desk = site.At(0);
        using Browser laptop = site.At(1);
        using (await desk.SignInAsync("bob", Site.DemoPassword)) { }
        using (await laptop.SignInAsync("bob", Site.DemoPassword)) { }
        string form = await desk.CsrfAsync("/account");
        await UseAsync(desk, laptop);

        using HttpResponseMessage answer = await SendFormAsync(desk, "/account?handler=Everywhere", form);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        await RefusedWithinASecondAsync(laptop);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task Without_the_event_a_gateway_that_hears_would_have_gone_on()
    {
        // A gateway that had no time to listen asks identity, as it should: then it is no proof, and tried again.
        Browser? carol = null;
        for (int attempt = 0; carol is null && attempt < 10; attempt++) carol = await GoesOnAsync("carol");
        Assert.NotNull(carol);

        await using BusProbe probe = await BusProbe.StartAsync(site.First.Identity);
        await probe.PublishAsync(new CredentialsRevoked(ServiceDefaults.Orgs.Default, await UserIdAsync("carol"), DateTimeOffset.UtcNow));
        await RefusedWithinASecondAsync(carol);
        carol.Dispose();
    }

    [Theory]
    [Trait("Control", "AUTH-02")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_the_broker_gone_or_stuck_a_gateway_keeps_nothing_for_longer_than_a_second(bool gone)
    {
        await EveryGatewayHearsAsync();
        using Browser dave = site.At(0);
        using (await dave.SignInAsync("dave", Site.DemoPassword)) { }
        using Browser other = site.At(1, cookiesOf: dave);
        await UseAsync(dave, other);
        try
        {
            if (gone) site.Broker.Cut();
            else site.Broker.StandStill();
            await EndSessionsInTheDatabaseAsync("dave");
            await RefusedWithinASecondAsync(dave, other);
            using HttpClient health = new() { BaseAddress = site.Gateways[0].Address };
            Assert.Equal(HttpStatusCode.OK, (await health.GetAsync("/readyz")).StatusCode);
        }
        finally
        {
            site.Broker.GoOn();
        }

        // A session that lives is served meanwhile and afterwards; what was missed is not trusted again.
        using Browser again = site.At(1);
        using (await again.SignInAsync("dave", Site.DemoPassword)) { }
        await EveryGatewayHearsAsync();
        await UseAsync(again);
    }

    [Fact]
    [Trait("Control", "AUTH-02")]
    public async Task An_exchange_under_way_when_the_event_comes_is_not_kept()
    {
        // A revocation for each answer of identity, while many requests make it answer: whatever order they come in, the end is a refusal.
        await EveryGatewayHearsAsync();
        for (int round = 0; round < 5; round++)
        {
            using Browser alice = site.At(0);
            using (await alice.SignInAsync("alice", Site.DemoPassword)) { }
            using Browser reader = site.At(1, cookiesOf: alice);
            string form = await alice.CsrfAsync("/logout");
            using var stop = new CancellationTokenSource();
            Task reading = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested) (await reader.GetAsync("/me")).Dispose();
            });
            using (await SendFormAsync(alice, "/logout", form)) { }
            using Browser late = site.At(1, cookiesOf: reader);
            await RefusedWithinAsync(Promise * 5, late); // while many requests compete; what was kept would be used for thirty seconds
            await stop.CancelAsync();
            await reading;
        }
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    [Trait("Control", "AUTH-03")]
    public async Task Behind_a_plain_balancer_the_replicas_are_one_site()
    {
        // A new connection for each request: page and form, form and its target are answered by different gateways and identities.
        using Browser visitor = Fresh(null);
        for (int round = 0; round < 4; round++)
        {
            using Browser page = Fresh(null);
            string form = await page.CsrfAsync("/login");
            using Browser sender = Fresh(page);
            using HttpResponseMessage answer = await SendFormAsync(sender, "/login", form, ("Username", "carol"), ("Password", Site.DemoPassword), ("ReturnUrl", "/me"));
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            visitor.TakeCookies(sender);
        }

        using Browser account = Fresh(visitor);
        string csrf = await account.CsrfAsync("/account");
        using Browser caller = Fresh(account);
        var call = new HttpRequestMessage(HttpMethod.Post, "/api/v1/receipts") { Content = JsonContent.Create(new { }), Headers = { { "X-CSRF-Token", csrf } } };
        Assert.Equal(HttpStatusCode.OK, (await caller.SendAsync(call)).StatusCode);
        Assert.All(site.Door.Carried[..2], carried => Assert.InRange(carried, 4, int.MaxValue));

        // Five wrong tries, wherever they land, lock the sixth, though it is right.
        for (int attempt = 0; attempt < 5; attempt++)
        {
            using Browser guesser = Fresh(null);
            using (await guesser.SignInAsync("bob", "wrong")) { }
        }

        foreach (int gateway in new[] { 0, 1 })
        {
            using Browser late = site.At(gateway);
            Assert.Equal(HttpStatusCode.OK, (await late.SignInAsync("bob", Site.DemoPassword)).StatusCode);
        }

        await site.Identities[0].ExecuteAsync("DELETE FROM login_throttle");
    }

    private static async Task<HttpResponseMessage> SendFormAsync(Browser browser, string action, string csrf, params (string Name, string Value)[] fields) =>
        await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, action)
        {
            Content = new FormUrlEncodedContent([new("__csrf", csrf), .. fields.Select(field => KeyValuePair.Create(field.Name, field.Value))]),
        });

    private static async Task UseAsync(params Browser[] browsers)
    {
        foreach (Browser browser in browsers)
        {
            using HttpResponseMessage page = await browser.GetAsync("/me");
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        }
    }

    private Task RefusedWithinASecondAsync(params Browser[] browsers) => RefusedWithinAsync(Promise, browsers);

    private async Task RefusedWithinAsync(TimeSpan promise, params Browser[] browsers)
    {
        long began = Stopwatch.GetTimestamp();
        foreach (Browser browser in browsers)
        {
            HttpStatusCode last;
            do
            {
                using HttpResponseMessage page = await browser.GetAsync("/me");
                last = page.StatusCode;
            }
            while (last == HttpStatusCode.OK && Stopwatch.GetElapsedTime(began) < promise + promise);
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            Assert.Equal(HttpStatusCode.SeeOther, last);
            output.WriteLine($"Refused after {took.TotalMilliseconds:0} ms");
            Assert.True(took <= promise, $"Refused after {took.TotalMilliseconds:0} ms");
        }
    }

    /// <returns>A browser whose session has ended in the database and is served all the same; null when the gateway asked identity, for it did not hear.</returns>
    private async Task<Browser?> GoesOnAsync(string username)
    {
        await EveryGatewayHearsAsync();
        Browser browser = site.At(0);
        using (await browser.SignInAsync(username, Site.DemoPassword)) { }
        await UseAsync(browser);
        int said = Said(site.Gateways[0]).Count;
        await EndSessionsInTheDatabaseAsync(username);
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < Promise + Promise;)
        {
            using HttpResponseMessage page = await browser.GetAsync("/me");
            if (page.StatusCode == HttpStatusCode.OK) continue;
            await Wait.UntilAsync("the gateway says that it had not heard", () => Task.FromResult(Said(site.Gateways[0]).Count > said), seconds: 10);
            browser.Dispose();
            return null;
        }

        return browser;
    }

    private Browser Fresh(Browser? cookiesOf)
    {
        var browser = new Browser(new Uri($"https://localhost:{site.Door.Port}"), IPAddress.Loopback);
        if (cookiesOf is not null) browser.TakeCookies(cookiesOf);
        return browser;
    }

    // Seen from outside: what a gateway keeps while it hears outlives what it keeps while it does not.
    private async Task EveryGatewayHearsAsync()
    {
        foreach (RunningService gateway in site.Gateways)
        {
            await Wait.UntilAsync("a gateway hears revocations", () => Task.FromResult(
                Said(gateway) is [.., var last] && last.StartsWith("Revocations are heard", StringComparison.Ordinal)));
        }
    }

    /// <summary>What a gateway has said about hearing, oldest first.</summary>
    private static List<string> Said(RunningService gateway) =>
    [
        .. gateway.Log.Split('\n').Where(line => line.Contains("Revocations are ", StringComparison.Ordinal))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("msg").GetString()!),
    ];

    private async Task EndSessionsInTheDatabaseAsync(string username) => await site.First.Identity.ExecuteAsync(
        "UPDATE sessions SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL AND user_id = (SELECT user_id FROM users WHERE username = @username)", new { username });

    private Task<Guid> UserIdAsync(string username) => site.First.Identity.ScalarAsync<Guid>("SELECT user_id FROM users WHERE username = @username", new { username });
}
