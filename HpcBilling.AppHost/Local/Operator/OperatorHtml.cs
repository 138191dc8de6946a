using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using HpcBilling.AppHost.Local.Supervision;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.AppHost.Local.Operator;

/// <summary>The operator's pages. They are complete without the script, which only keeps them fresh.</summary>
internal static class OperatorHtml
{
    private const string TableHead = """
        <thead><tr><th>Resource</th><th>Type</th><th>State</th><th>Health</th><th class="number">Pid</th><th class="number">Restarts</th><th class="number">Uptime</th><th>Endpoints</th></tr></thead>
        """;

    private static readonly HtmlEncoder Html = HtmlEncoder.Default;

    public static Task WriteAsync(HttpResponse response, string page)
    {
        response.ContentType = "text/html; charset=utf-8";
        return response.WriteAsync(page, response.HttpContext.RequestAborted);
    }

    public static string Welcome() => Page("Signed in", "<p class=\"lead\">Signed in.</p><p><a class=\"button\" href=\"/\">Show the resources</a></p>", "data-next=\"/\"");

    public static string Overview(IReadOnlyList<ResourceStatus> statuses, DateTimeOffset now)
    {
        var up = statuses.Count(status => status.IsUp);
        var rows = new StringBuilder();
        foreach (var status in statuses)
            rows.Append(Row(status, now));
        return Page("Resources", $"""
            <p class="lead" id="summary">{up} of {statuses.Count} resources are up. <a href="/">Refresh</a></p>
            <div class="scroll"><table id="resources">
            {TableHead}
            <tbody>{rows}</tbody>
            </table></div>
            """, "data-live=\"overview\"");
    }

    public static string Resource(ResourceStatus status, IReadOnlyList<string> log, DateTimeOffset now)
    {
        var lines = new StringBuilder();
        foreach (var line in log)
            lines.Append(Html.Encode(LogText.Readable(line))).Append('\n');
        var name = Html.Encode(status.Name);
        return Page(status.Name, $"""
            <p><a href="/">All resources</a></p>
            <div class="scroll"><table id="resources">
            {TableHead}
            <tbody>{Row(status, now)}</tbody>
            </table></div>
            <div class="actions">{Buttons(status.State, name)}
            <a href="/resources/{name}">Refresh</a></div>
            <h2>Log</h2>
            <pre id="log" data-source="/resources/{name}/log" tabindex="0">{lines}</pre>
            """, "data-live=\"resource\"");
    }

    private static string Row(ResourceStatus status, DateTimeOffset now)
    {
        var name = Html.Encode(status.Name);
        var message = status.Message.Length > 0 ? $"<span class=\"message\">{Html.Encode(status.Message)}</span>" : "";
        var endpoints = string.Join("<br>", status.Endpoints.Select(Endpoint));
        return string.Create(CultureInfo.InvariantCulture, $"""
            <tr data-name="{name}"><th scope="row"><a href="/resources/{name}">{name}</a></th><td>{Html.Encode(status.Kind)}</td><td><span class="state {Mood(status)}">{Words(status.State)}</span>{message}</td><td>{HealthWords(status)}</td><td class="number">{status.Pid}</td><td class="number">{status.Restarts}</td><td class="number">{Uptime(status, now)}</td><td>{endpoints}</td></tr>

            """);
    }

    private static string Endpoint(string url) => url.StartsWith("https:", StringComparison.Ordinal)
        ? $"<a href=\"{Html.Encode(url)}\">{Html.Encode(url)}</a>"
        : Html.Encode(url);

    /// <summary>What has ended for good has none.</summary>
    private static string Buttons(ResourceState state, string name) => state switch
    {
        ResourceState.Finished or ResourceState.Failed => "",
        ResourceState.Stopped => Button(name, "start", "Start"),
        _ => Button(name, "restart", "Restart") + Button(name, "stop", "Stop"),
    };

    private static string Button(string name, string action, string word) =>
        $"<form method=\"post\" action=\"/resources/{name}/{action}\"><button>{word}</button></form>";

    private static string Mood(ResourceStatus status) => status switch
    {
        { State: ResourceState.Failed or ResourceState.BackingOff } or { Health: Health.Unhealthy } => "bad",
        { IsUp: true } => "good",
        _ => "pending",
    };

    private static string Words(ResourceState state) => state == ResourceState.BackingOff ? "Restarting" : state.ToString();

    private static string HealthWords(ResourceStatus status) => status.Health == Health.Unknown ? "–" : status.Health.ToString();

    private static string Uptime(ResourceStatus status, DateTimeOffset now)
    {
        if (status.Pid is null || status.StartedAt is not { } started)
            return "–";
        var uptime = now - started;
        return uptime.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)uptime.TotalHours} h {uptime.Minutes} min")
            : string.Create(CultureInfo.InvariantCulture, $"{uptime.Minutes} min {uptime.Seconds} s");
    }

    private static string Page(string title, string body, string attributes) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{Html.Encode(title)} · HpcBilling operator</title>
        <link rel="stylesheet" href="/operator.css">
        <script src="/operator.js" defer></script>
        </head>
        <body {attributes}>
        <header><a href="/">HpcBilling</a> <span>operator</span></header>
        <main><h1>{Html.Encode(title)}</h1>
        {body}
        </main>
        </body>
        </html>
        """;
}
