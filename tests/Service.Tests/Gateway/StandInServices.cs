using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>In place of every service behind the gateway but identity: says what it was asked, and by whom.</summary>
public sealed class StandInServices : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> asked = new();
    private WebApplication? app;

    public string Address { get; private set; } = "";

    /// <summary>Method and path of everything that got through to a service.</summary>
    public IReadOnlyCollection<string> Asked => asked;

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        app = builder.Build();
        app.Use(async (context, next) =>
        {
            asked.Enqueue($"{context.Request.Method} {context.Request.Path}");
            context.Response.Headers["X-Powered-By"] = "a service";
            context.Response.Headers.XFrameOptions = "SAMEORIGIN";
            await next(context);
        });
        app.MapGet("/me/cookies", (HttpContext context) =>
        {
            context.Response.Headers.SetCookie = new[] { "__Host-session=stolen; path=/; secure", "tracker=1", "__Host-csrf=fresh; path=/; secure" };
            return "cookies";
        });
        app.MapGet("/privacy", () => Results.Problem(statusCode: 500));
        app.Map("/{**rest}", async (HttpContext context) =>
        {
            long bytes = 0;
            byte[] buffer = new byte[64 * 1024];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0;) bytes += read;
            return Results.Json(new Heard(
                context.Request.Method, context.Request.Path + context.Request.QueryString, bytes,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        });
        await app.StartAsync();
        Address = app.Urls.Single();
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
    }
}

/// <summary>A request as it arrived at a service.</summary>
public sealed record Heard(string Method, string Target, long BodyBytes, Dictionary<string, string> Headers)
{
    public string? this[string header] => new Dictionary<string, string>(Headers, StringComparer.OrdinalIgnoreCase).GetValueOrDefault(header);
}
