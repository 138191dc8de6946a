using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>Every unsafe request that a browser's session vouches for must carry that session's token, whichever route it takes.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "WEB-01")]
public sealed class CsrfTests(CsrfTests.WholeSite whole) : IClassFixture<CsrfTests.WholeSite>
{
    private const string Header = "X-CSRF-Token";
    private const string Field = "__csrf";
    private static readonly string[] Unsafe = ["POST", "PUT", "PATCH", "DELETE"];
    private static readonly string[] Accepted = ["text/html", "application/json"];

    [Fact]
    public async Task No_route_of_the_api_takes_a_session_without_its_token()
    {
        using Browser alice = await whole.SignInAsync("admin", Site.AdminPassword);
        using Browser bob = await whole.SignInAsync("bob", Site.DemoPassword);
        string?[] tokens = [null, "", "wrong", await bob.CsrfAsync("/account"), await alice.CsrfAsync("/account") + "x"];
        List<string> faults = [];
        string[] paths = [.. PublicRoutes.Table().Where(route => route.Kind == "Api").Select(route => route.Path)];
        Assert.InRange(paths.Length, 10, 100);
        int before = whole.Stand.Services.Asked.Count;
        foreach (string path in paths)
        {
            foreach (string method in Unsafe)
            {
                foreach (string? token in tokens)
                {
                    var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = JsonContent.Create(new { }) };
                    if (token is not null) request.Headers.TryAddWithoutValidation(Header, token);
                    using HttpResponseMessage answer = await alice.SendAsync(request);
                    bool page = !path.StartsWith("/api", StringComparison.Ordinal);
                    await ExpectRefusalAsync(answer, $"{method} {path} '{token}'", page, "Nothing was changed", faults);
                }
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.Equal(before, whole.Stand.Services.Asked.Count);
    }

    [Fact]
    public async Task No_page_of_any_service_takes_a_form_without_its_token()
    {
        using Browser admin = await whole.SignInAsync("admin", Site.AdminPassword);
        using Browser bob = await whole.SignInAsync("bob", Site.DemoPassword);
        string stranger = await bob.CsrfAsync("/account");
        List<string> faults = [];
        IReadOnlyList<string> pages = PublicRoutes.Pages();
        Assert.InRange(pages.Count, 20, 200);
        foreach (string path in pages)
        {
            foreach (string method in Unsafe)
            {
                foreach (string? token in new[] { null, "wrong", stranger })
                {
                    foreach (string accepted in Accepted)
                    {
                        using HttpResponseMessage answer = await SendAsync(admin, method, path, token, accepted, token == stranger ? bob : null);
                        await ExpectRefusalAsync(answer, $"{method} {path} '{token}' {accepted}", accepted == "text/html", "This form is no longer valid", faults);
                    }
                }
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task The_token_of_the_session_opens_what_the_others_do_not()
    {
        using Browser alice = await whole.SignInAsync("alice", Site.DemoPassword);
        string own = await alice.CsrfAsync("/account");
        using HttpResponseMessage form = await SendAsync(alice, "POST", "/account?handler=Revoke", own, "text/html", null);
        Assert.Equal(HttpStatusCode.OK, form.StatusCode);
        using HttpResponseMessage call = await alice.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/api/v1/receipts") { Headers = { { Header, own } } });
        Assert.Equal(HttpStatusCode.OK, call.StatusCode);
    }

    [Fact]
    public async Task A_form_of_another_time_leads_back_to_itself()
    {
        // Shown to nobody, sent by somebody: signing in between the two makes it old.
        using Browser alice = whole.Browser();
        string old = await alice.CsrfAsync("/login");
        using (await alice.SignInAsync("alice", Site.DemoPassword)) { }
        string door = alice.Site.GetLeftPart(UriPartial.Authority);
        foreach ((string? referer, string? back) in new[] { (door + "/account?tab=a&b=c", "/account?tab=a&amp;b=c"), (null, "/account"), ("https://evil.example/form", "/account"), (door + "//evil.example/", null) })
        {
            using HttpResponseMessage answer = await SendAsync(alice, "POST", "/account?handler=Everywhere", old, "text/html", null, referer);
            string page = await answer.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains("This form is no longer valid", page, StringComparison.Ordinal);
            if (back is null) Assert.DoesNotContain("Load the form again</a>", page, StringComparison.Ordinal);
            else Assert.Contains($"<a class=\"button primary\" href=\"{back}\">Load the form again</a>", page, StringComparison.Ordinal);
            Assert.DoesNotContain("evil.example", page, StringComparison.Ordinal);
        }

        Assert.Equal(HttpStatusCode.OK, (await alice.GetAsync("/account")).StatusCode); // nothing was changed
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://localhost")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task What_a_browser_says_comes_from_elsewhere_is_refused_even_with_a_token(string header, string value)
    {
        using Browser alice = await whole.SignInAsync("alice", Site.DemoPassword);
        string own = await alice.CsrfAsync("/account");
        var request = new HttpRequestMessage(HttpMethod.Post, "/account?handler=Everywhere") { Content = new FormUrlEncodedContent([new(Field, own)]) };
        request.Headers.Add(header, value);
        using HttpResponseMessage answer = await alice.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("a page of another site", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var honest = new HttpRequestMessage(HttpMethod.Post, "/account?handler=Revoke") { Content = new FormUrlEncodedContent([new(Field, own)]) };
        honest.Headers.Add("Origin", alice.Site.GetLeftPart(UriPartial.Authority));
        honest.Headers.Add("Sec-Fetch-Site", "same-origin");
        Assert.Equal(HttpStatusCode.OK, (await alice.SendAsync(honest)).StatusCode);
    }

    [Fact]
    public async Task Routes_that_need_no_token_see_no_session_either()
    {
        using Browser alice = await whole.SignInAsync("alice", Site.DemoPassword);
        string[] exempt = [.. PublicRoutes.Table().Where(route => route.Kind is "Anonymous" or "OAuth").Select(route => route.Path)];
        Assert.Equal(["/.well-known/x", "/_ui/x", "/connect/token", "/connect/x", "/payments/webhook/x"], exempt.Order(StringComparer.Ordinal));
        using Browser direct = whole.Stand.Browser();
        direct.TakeCookies(alice);
        foreach (string path in new[] { "/_ui/x", "/payments/webhook/x" })
        {
            using HttpResponseMessage answer = await direct.SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("{}") });
            Heard heard = (await answer.Content.ReadFromJsonAsync<Heard>())!;
            Assert.Null(heard["Authorization"]);
            Assert.DoesNotContain(alice.Session!, JsonSerializer.Serialize(heard), StringComparison.Ordinal);
        }

        using HttpResponseMessage info = await direct.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/connect/userinfo"));
        Assert.True(info.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.MethodNotAllowed);
    }

    private static Task<HttpResponseMessage> SendAsync(Browser browser, string method, string path, string? token, string accepted, Browser? csrfOf, string? referer = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new FormUrlEncodedContent(token is null ? [] : [new(Field, token)]) };
        request.Headers.Accept.ParseAdd(accepted);
        if (referer is not null) request.Headers.Referrer = new Uri(referer);
        return browser.SendAsync(request, csrfOf);
    }

    private static async Task ExpectRefusalAsync(HttpResponseMessage answer, string what, bool page, string words, List<string> faults)
    {
        string text = await answer.Content.ReadAsStringAsync();
        string expected = page ? "text/html" : "application/problem+json";
        if (answer.StatusCode != HttpStatusCode.BadRequest) faults.Add($"{what}: {(int)answer.StatusCode}");
        else if (answer.Content.Headers.ContentType?.MediaType != expected) faults.Add($"{what}: {answer.Content.Headers.ContentType}");
        else if (page && !text.Contains(words, StringComparison.Ordinal)) faults.Add($"{what}: no word of it");
        else if (!page && JsonDocument.Parse(text).RootElement.GetProperty("status").GetInt32() != 400) faults.Add($"{what}: {text}");
    }

    /// <summary>The gateway with the services that have pages, all real.</summary>
    public sealed class WholeSite(Servers servers) : IAsyncLifetime
    {
        private readonly List<RunningService> services = [];

        /// <summary>With stand-ins for all services but identity.</summary>
        public Site Stand { get; private set; } = null!;

        public RunningService Gateway { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            var limits = new Dictionary<string, string> { ["Gateway__RateLimits__LoginPerMinute"] = "1000", ["Gateway__RateLimits__GeneralPerMinute"] = "100000" };
            Stand = await Site.StartAsync(servers, gatewayAlone: limits);
            Gateway = Stand.Gateway.Replica();
            foreach ((string project, string? database) in new[] { ("Portal", null), ("Admin", null), ("Payment", "") })
            {
                RunningService service = await servers.StartServiceAsync(project, Settings(), database);
                services.Add(service);
                Gateway.Settings[$"services__{project.ToLowerInvariant()}__http__0"] = service.Address.ToString();
            }

            await Gateway.StartAsync();
        }

        public async Task DisposeAsync()
        {
            await Gateway.DisposeAsync();
            foreach (RunningService service in services) await service.DisposeAsync();
            await Stand.DisposeAsync();
        }

        public Browser Browser() => new(Gateway.SecureAddress!, IPAddress.Loopback);

        public async Task<Browser> SignInAsync(string username, string password)
        {
            Browser browser = Browser();
            using HttpResponseMessage answer = await browser.SignInAsync(username, password);
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            return browser;
        }

        private Dictionary<string, string> Settings()
        {
            var settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["DataProtection__MasterKey"] = Stand.Gateway.Settings["DataProtection__MasterKey"],
                ["Auth__Issuer"] = Site.Issuer,
                ["Auth__MetadataAddress"] = new Uri(Stand.Identity.Address, "/.well-known/openid-configuration").ToString(),
                ["Payment__Dummy__WebhookSecret"] = "a secret of the dummy: 0123456789 abcdefghijkl",
                ["Site__TimeZone"] = "Asia/Bangkok",
            };
            foreach (string service in new[] { "identity", "rating", "usage", "payment", "audit" }) settings[$"services__{service}__http__0"] = Stand.Services.Address;
            return settings;
        }
    }
}
