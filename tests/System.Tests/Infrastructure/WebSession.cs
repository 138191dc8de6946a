using System.Net;
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

    public void Dispose() => client.Dispose();

    private async Task<WebSession> ShowAsync(HttpResponseMessage response)
    {
        Status = response.StatusCode;
        Location = response.RequestMessage!.RequestUri!;
        Page = Parser.ParseDocument(await response.Content.ReadAsStringAsync());
        return this;
    }
}
