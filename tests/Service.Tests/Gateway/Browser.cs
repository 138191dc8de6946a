using System.Net;
using System.Text.RegularExpressions;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>Keeps cookies, asks for pages, sends forms with their antiforgery field, follows no redirect by itself.</summary>
public sealed partial class Browser : IDisposable
{
    public const string SessionCookie = "__Host-session";
    private const string CsrfCookie = "__Host-csrf";
    private readonly HttpClient client;
    private readonly Dictionary<string, string> cookies = new(StringComparer.Ordinal);

    public Browser(Uri site, IPAddress from)
    {
        Site = site;
        client = new HttpClient(Gateways.Handler(from)) { BaseAddress = site };
        client.DefaultRequestHeaders.Add("User-Agent", "Test/1.0");
    }

    public Uri Site { get; }

    /// <summary>Value of the session cookie; null without one.</summary>
    public string? Session
    {
        get => cookies.GetValueOrDefault(SessionCookie);
        set
        {
            if (value is null) cookies.Remove(SessionCookie);
            else cookies[SessionCookie] = value;
        }
    }

    /// <summary>Goes on as the same browser.</summary>
    public void TakeCookies(Browser other)
    {
        foreach ((string name, string value) in other.cookies) cookies[name] = value;
    }

    public string? Cookie(string name) => cookies.GetValueOrDefault(name);

    public void SetCookie(string name, string value) => cookies[name] = value;

    /// <summary>What the last response asked to keep, word by word.</summary>
    public IReadOnlyList<string> LastSetCookies { get; private set; } = [];

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public async Task<string> TextAsync(string path)
    {
        using HttpResponseMessage response = await GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>Opens the page, takes its antiforgery field, and sends the form.</summary>
    public async Task<HttpResponseMessage> PostAsync(string page, string action, params (string Name, string Value)[] fields)
    {
        var form = new List<KeyValuePair<string, string>> { new("__csrf", await CsrfAsync(page)) };
        form.AddRange(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        return await SendAsync(new HttpRequestMessage(HttpMethod.Post, action) { Content = new FormUrlEncodedContent(form) });
    }

    /// <summary>The antiforgery field of a page's form.</summary>
    public async Task<string> CsrfAsync(string page) =>
        CsrfField.Match(await TextAsync(page)) is { Success: true } match ? match.Groups["field"].Value : throw new InvalidOperationException($"No form on {page}");

    public Task<HttpResponseMessage> SignInAsync(string username, string password, string returnUrl = "/me") =>
        PostAsync("/login", "/login", ("Username", username), ("Password", password), ("ReturnUrl", returnUrl));

    /// <param name="request">Asks for a page unless it says otherwise.</param>
    /// <param name="csrfOf">Whose antiforgery cookie goes with it; null for one's own.</param>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Browser? csrfOf = null)
    {
        var sent = new Dictionary<string, string>(cookies, StringComparer.Ordinal);
        if (csrfOf is not null) sent[CsrfCookie] = csrfOf.cookies[CsrfCookie];
        if (sent.Count > 0) request.Headers.Add("Cookie", string.Join("; ", sent.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        if (request.Headers.Accept.Count == 0) request.Headers.Accept.ParseAdd("text/html,application/xhtml+xml,*/*;q=0.8");
        HttpResponseMessage response = await client.SendAsync(request);
        LastSetCookies = response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? set) ? [.. set] : [];
        foreach (string[] pair in LastSetCookies.Select(cookie => cookie.Split(';')[0].Split('=', 2)))
        {
            if (pair[1].Length == 0) cookies.Remove(pair[0]);
            else cookies[pair[0]] = pair[1];
        }

        return response;
    }

    public void Dispose() => client.Dispose();

    [GeneratedRegex("name=\"__csrf\"[^>]*value=\"(?<field>[^\"]+)\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CsrfField { get; }
}
