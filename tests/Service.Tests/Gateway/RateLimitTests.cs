using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
[Trait("Control", "WEB-07")]
public sealed class RateLimitTests(RateLimitTests.TightSite tight) : IClassFixture<RateLimitTests.TightSite>
{
    [Fact]
    public async Task Whatever_tries_a_secret_is_counted_together_by_address()
    {
        string[] paths = ["/login", "/login/second-factor", "/connect/token", "/login/reset"];
        using HttpClient client = tight.Client("127.0.0.21");
        foreach (string path in paths)
        {
            using HttpResponseMessage tried = await client.PostAsync(path, Form());
            Assert.NotEqual(HttpStatusCode.TooManyRequests, tried.StatusCode);
            using HttpResponseMessage read = await client.GetAsync(path); // looking is free
            Assert.NotEqual(HttpStatusCode.TooManyRequests, read.StatusCode);
        }

        foreach (string path in paths) await ExpectRefusalAsync(await client.PostAsync(path, Form()), "Too many sign-ins from this address: 4 a minute are allowed.");
        using HttpClient neighbour = tight.Client("127.0.0.22");
        Assert.NotEqual(HttpStatusCode.TooManyRequests, (await neighbour.PostAsync("/login", Form())).StatusCode);
    }

    [Fact]
    public async Task Webhooks_have_a_limit()
    {
        using HttpClient provider = tight.Client("127.0.0.23");
        for (int number = 0; number < 5; number++) Assert.Equal(HttpStatusCode.OK, (await provider.PostAsync("/payments/webhook/dummy", null)).StatusCode);
        await ExpectRefusalAsync(await provider.PostAsync("/payments/webhook/dummy", null), "Too many webhook calls from this address: 5 a minute are allowed.");
    }

    [Fact]
    public async Task Reports_of_browsers_have_a_limit()
    {
        using HttpClient browser = tight.Client("127.0.0.24");
        for (int number = 0; number < 6; number++) Assert.Equal(HttpStatusCode.NoContent, (await browser.PostAsync("/csp-report", Report())).StatusCode);
        await ExpectRefusalAsync(await browser.PostAsync("/csp-report", Report()), "Too many reports from this address: 6 a minute are allowed.");
    }

    [Fact]
    public async Task Everything_together_has_a_limit()
    {
        using HttpClient program = tight.Client("127.0.0.25");
        for (int number = 0; number < 40; number++) Assert.NotEqual(HttpStatusCode.TooManyRequests, (await program.GetAsync(number % 2 == 0 ? "/formula" : "/no/such/page")).StatusCode);
        await ExpectRefusalAsync(await program.GetAsync("/formula"), "Too many requests from this address: 40 a minute are allowed.");
    }

    [Fact]
    public async Task A_reader_is_told_on_a_page()
    {
        using var browser = new Browser(tight.Site.Gateway.SecureAddress!, IPAddress.Parse("127.0.0.26"));
        for (int number = 0; number < 4; number++) Assert.Equal(HttpStatusCode.OK, (await browser.SignInAsync("nobody", "x")).StatusCode);
        using HttpResponseMessage refused = await browser.SignInAsync("nobody", "x");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains("Too many sign-ins from this address: 4 a minute are allowed. Try again in", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_of_nothing_does_not_start()
    {
        await using RunningService wrong = tight.Site.Gateway.Replica();
        wrong.Settings["Gateway__RateLimits__LoginPerMinute"] = "0";
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(wrong.StartAsync);
        Assert.Contains("Gateway:RateLimits:LoginPerMinute must be between", failure.Message, StringComparison.Ordinal);
    }

    private static async Task ExpectRefusalAsync(HttpResponseMessage answer, string words)
    {
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        JsonElement problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.StartsWith(words, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        HeaderPolicy.Expect(answer);
        answer.Dispose();
    }

    private static FormUrlEncodedContent Form() => new([new("a", "b")]);

    private static StringContent Report() => new("{}", Encoding.UTF8, "application/csp-report");

    public sealed class TightSite(Servers servers) : IAsyncLifetime
    {
        public Site Site { get; private set; } = null!;

        public HttpClient Client(string from) => new(Gateways.Handler(IPAddress.Parse(from))) { BaseAddress = Site.Gateway.SecureAddress };

        public async Task InitializeAsync() => Site = await Site.StartAsync(servers, new Dictionary<string, string>
        {
            ["Gateway__RateLimits__LoginPerMinute"] = "4",
            ["Gateway__RateLimits__WebhookPerMinute"] = "5",
            ["Gateway__RateLimits__ContentSecurityReportPerMinute"] = "6",
            ["Gateway__RateLimits__GeneralPerMinute"] = "40",
        });

        public async Task DisposeAsync() => await Site.DisposeAsync();
    }
}
