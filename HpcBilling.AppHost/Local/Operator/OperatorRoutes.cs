using System.Text.Json;
using System.Text.Json.Serialization;
using HpcBilling.AppHost.Local.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.AppHost.Local.Operator;

/// <summary>The pages: all resources, one resource with its log, and the three buttons.</summary>
internal static class OperatorRoutes
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public static void Map(WebApplication app, ResourceBoard board, IReadOnlyList<Supervisor> supervisors)
    {
        var byName = supervisors.ToDictionary(supervisor => supervisor.Name, StringComparer.Ordinal);
        app.MapGet("/", http => OperatorHtml.WriteAsync(http.Response, OperatorHtml.Overview(board.Snapshot(), TimeProvider.System.GetUtcNow())));
        app.MapGet("/state.json", http => WriteJsonAsync(http.Response, board.Snapshot(), http.RequestAborted));
        app.MapGet("/operator.css", http => AssetAsync(http.Response, "operator.css", "text/css"));
        app.MapGet("/operator.js", http => AssetAsync(http.Response, "operator.js", "text/javascript"));
        app.MapGet("/resources/{name}", http => Find(http, byName) is { } found
            ? OperatorHtml.WriteAsync(http.Response, OperatorHtml.Resource(board.Find(found.Name)!, found.Log.Recent(), TimeProvider.System.GetUtcNow()))
            : MissingAsync(http));
        app.MapGet("/resources/{name}/log", http => Find(http, byName) is { } found ? StreamAsync(http, found) : MissingAsync(http));
        app.MapPost("/resources/{name}/restart", http => ActAsync(http, byName, supervisor => supervisor.Restart()));
        app.MapPost("/resources/{name}/stop", http => ActAsync(http, byName, supervisor => supervisor.Hold()));
        app.MapPost("/resources/{name}/start", http => ActAsync(http, byName, supervisor => supervisor.Release()));
    }

    private static Supervisor? Find(HttpContext http, Dictionary<string, Supervisor> byName) =>
        http.Request.RouteValues["name"] is string name ? byName.GetValueOrDefault(name) : null;

    private static Task ActAsync(HttpContext http, Dictionary<string, Supervisor> byName, Action<Supervisor> act)
    {
        if (Find(http, byName) is not { } found)
            return MissingAsync(http);
        act(found);
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = $"/resources/{Uri.EscapeDataString(found.Name)}";
        return Task.CompletedTask;
    }

    /// <summary>Server-sent events, one a line of the log.</summary>
    private static async Task StreamAsync(HttpContext http, Supervisor supervisor)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.StartAsync(http.RequestAborted);
        try
        {
            await foreach (var line in supervisor.Log.FollowAsync(http.RequestAborted))
            {
                await http.Response.WriteAsync($"data: {LogText.Readable(line).ReplaceLineEndings("\ndata: ")}\n\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader left.
        }
    }

    private static async Task AssetAsync(HttpResponse response, string name, string type)
    {
        response.ContentType = $"{type}; charset=utf-8";
        await using var asset = typeof(OperatorRoutes).Assembly.GetManifestResourceStream(name)!;
        await asset.CopyToAsync(response.Body, response.HttpContext.RequestAborted);
    }

    private static async Task WriteJsonAsync(HttpResponse response, IReadOnlyList<ResourceStatus> statuses, CancellationToken cancellationToken)
    {
        response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(response.Body, statuses, Json, cancellationToken);
    }

    private static Task MissingAsync(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return http.Response.WriteAsync("There is no such resource.", http.RequestAborted);
    }
}
