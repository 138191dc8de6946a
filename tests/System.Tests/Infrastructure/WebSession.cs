using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>A browser without a screen: keeps cookies, follows redirects, fills in forms.</summary>
public sealed class WebSession(HttpClient client) : IDisposable
{
    private static readonly HtmlParser Parser = new();

    public Uri Location { get; private set; } = client.BaseAddress!;

    public HttpStatusCode Status { get; private set; }

    public IHtmlDocument Page { get; private set; } = Parser.ParseDocument("");

    public string Text => Page.Body?.TextContent ?? "";

    public async Task<WebSession> GoAsync(string path)
    {
        using HttpResponseMessage response = await client.GetAsync(new Uri(Location, path));
        return await ShowAsync(response);
    }

    /// <summary>Signs in on the sign-in page.</summary>
    public async Task<WebSession> SignInAsync(string username, string password)
    {
        await GoAsync("/login");
        return await SubmitAsync("form:has(input[type=password])", ("username", username), ("password", password));
    }

    /// <summary>Sends the first form that the selector finds, with its hidden fields, its defaults and the given values (names compared without case).</summary>
    public async Task<WebSession> SubmitAsync(string selector, params (string Name, string Value)[] values)
    {
        IHtmlFormElement form = Page.QuerySelector(selector) as IHtmlFormElement
            ?? throw new InvalidOperationException($"{Location} ({(int)Status}) shows no {selector}:\n{Page.Body?.InnerHtml}");
        var fields = new List<KeyValuePair<string, string>>();
        foreach (IElement element in form.QuerySelectorAll("input[name], select[name], textarea[name]"))
        {
            string name = element.GetAttribute("name")!;
            string given = values.FirstOrDefault(value => name.EndsWith(value.Name, StringComparison.OrdinalIgnoreCase)).Value;
            string? value = given ?? element switch
            {
                IHtmlInputElement { Type: "checkbox" or "radio", IsChecked: false } => null,
                IHtmlInputElement { Type: "submit" } => null,
                IHtmlInputElement input => input.Value,
                IHtmlSelectElement select => select.Value,
                IHtmlTextAreaElement area => area.Value,
                _ => null,
            };
            if (value is not null) fields.Add(new(name, value));
        }

        if (form.QuerySelector("button[name][value]") is IHtmlButtonElement button) fields.Add(new(button.Name!, button.Value));
        var target = new Uri(Location, form.GetAttribute("action") is { Length: > 0 } action ? action : Location.PathAndQuery);
        using var content = new FormUrlEncodedContent(fields);
        using HttpResponseMessage response = string.Equals(form.Method, "post", StringComparison.OrdinalIgnoreCase)
            ? await client.PostAsync(target, content)
            : await client.GetAsync(new UriBuilder(target) { Query = await content.ReadAsStringAsync() }.Uri);
        return await ShowAsync(response);
    }

    /// <summary>Calls the API as a script of the shown page would: with the session's cookie and the page's antiforgery token.</summary>
    public async Task<JsonElement> PostJsonAsync(string path, object body)
    {
        string csrf = (Page.QuerySelector("input[name=__csrf]") as IHtmlInputElement)?.Value ?? throw new InvalidOperationException($"{Location} has no form.");
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("X-CSRF-Token", csrf);
        using HttpResponseMessage response = await client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public void Dispose() => client.Dispose();

    private async Task<WebSession> ShowAsync(HttpResponseMessage response)
    {
        Status = response.StatusCode;
        Location = response.RequestMessage!.RequestUri!;
        Page = Parser.ParseDocument(await response.Content.ReadAsStringAsync());
        return this;
    }
}
