using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>The real portal and admin processes with one stand-in behind them, as a browser sees them through the gateway.</summary>
public sealed partial class PagesSite(Servers servers) : IAsyncLifetime
{
    public const int UploadBytesMax = 2 * 1024 * 1024;

    public StandInBackend Backend { get; } = new();

    public RunningService Portal { get; private set; } = null!;

    public RunningService Admin { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await Backend.StartAsync();
        Portal = await StartAsync("Portal", Backend.Address);
        Admin = await StartAsync("Admin", Backend.Address);
    }

    public async Task DisposeAsync()
    {
        await Portal.DisposeAsync();
        await Admin.DisposeAsync();
        await Backend.DisposeAsync();
    }

    /// <param name="project"><c>Portal</c> or <c>Admin</c>.</param>
    /// <param name="backend">Address of every service that its pages ask.</param>
    public Task<RunningService> StartAsync(string project, string backend) => servers.StartServiceAsync(
        project,
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["DataProtection__MasterKey"] = Convert.ToBase64String(new byte[64]),
            ["Site__TimeZone"] = "Asia/Bangkok",
            ["Admin__UploadBytesMax"] = $"{UploadBytesMax}",
            ["services__identity__http__0"] = backend,
            ["services__rating__http__0"] = backend,
            ["services__usage__http__0"] = backend,
            ["services__payment__http__0"] = backend,
            ["services__audit__http__0"] = backend,
        },
        database: null);

    /// <summary>A browser: it keeps cookies by hand, since the pages' cookies are for HTTPS alone, which is the gateway's part.</summary>
    public static HttpClient Browser(RunningService service, TestCaller? caller)
    {
        using HttpClient own = service.Client(caller);
        var browser = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = own.BaseAddress };
        browser.DefaultRequestHeaders.Authorization = own.DefaultRequestHeaders.Authorization;
        browser.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        browser.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        return browser;
    }

    /// <summary>The admin's pages with one real service behind them, whose tokens are good here too.</summary>
    public static Task<RunningService> StartAdminOfAsync(Servers servers, RunningService service)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["DataProtection__MasterKey"] = Convert.ToBase64String(new byte[64]),
            ["Auth__Audience"] = service.Name,
        };
        foreach (string name in (string[])["identity", "rating", "usage", "payment", "audit"]) settings[$"services__{name}__http__0"] = service.Address.ToString();
        return servers.StartServiceAsync("Admin", settings, database: null);
    }

    /// <summary>An admin's browser at such pages.</summary>
    public static HttpClient BrowserOf(RunningService admin, RunningService service)
    {
        HttpClient browser = Browser(admin, caller: null);
        using HttpClient own = service.Client(TestCaller.Admin());
        browser.DefaultRequestHeaders.Authorization = own.DefaultRequestHeaders.Authorization;
        return browser;
    }

    /// <summary>Opens a page and sends its form, with the antiforgery token and cookie that the page gave.</summary>
    public static Task<HttpResponseMessage> SubmitAsync(HttpClient browser, string page, string action, params (string Name, string Value)[] fields) =>
        SubmitAsync(browser, page, action, token => new FormUrlEncodedContent(
            [.. fields.Select(field => KeyValuePair.Create(field.Name, field.Value)), KeyValuePair.Create("__csrf", token)]));

    /// <summary>As above, with a form of another make.</summary>
    public static async Task<HttpResponseMessage> SubmitAsync(HttpClient browser, string page, string action, Func<string, HttpContent> form)
    {
        using HttpResponseMessage shown = await browser.GetAsync(page);
        string token = TokenField().Match(await shown.Content.ReadAsStringAsync()).Groups[1].Value;
        string cookie = shown.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("__Host-csrf=", StringComparison.Ordinal));
        using var request = new HttpRequestMessage(HttpMethod.Post, action) { Content = form(token) };
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        return await browser.SendAsync(request);
    }

    [GeneratedRegex("name=\"__csrf\" type=\"hidden\" value=\"([^\"]+)\"")]
    private static partial Regex TokenField();
}
