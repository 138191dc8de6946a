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
    /// <summary>What a careless or broken service might say.</summary>
    public static readonly IReadOnlyDictionary<string, string> Weakening = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Server"] = "a service",
        ["X-Powered-By"] = "a service",
        ["X-Frame-Options"] = "SAMEORIGIN",
        ["X-Content-Type-Options"] = "sniff",
        ["Referrer-Policy"] = "unsafe-url",
        ["Strict-Transport-Security"] = "max-age=0",
        ["Content-Security-Policy"] = "default-src *",
        ["Content-Security-Policy-Report-Only"] = "default-src *; report-uri https://elsewhere.example/",
        ["Reporting-Endpoints"] = "csp=\"https://elsewhere.example/\"",
        ["Report-To"] = "{}",
        ["NEL"] = "{}",
        ["Access-Control-Allow-Origin"] = "*",
        ["Access-Control-Allow-Credentials"] = "true",
        ["Service-Worker-Allowed"] = "/",
        ["Permissions-Policy"] = "camera=*",
        ["X-Request-Id"] = "chosen by a service",
    };

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
            foreach ((string name, string value) in Weakening) context.Response.Headers[name] = value;
            await next(context);
        });
        app.MapGet("/me/cookies", (HttpContext context) =>
        {
            context.Response.Headers.SetCookie = new[] { "__Host-session=stolen; path=/; secure", "tracker=1", "__Host-csrf=fresh; path=/; secure" };
            return "cookies";
        });
        app.MapGet("/_ui/large", async (HttpContext context) =>
        {
            byte[] part = new byte[256 * 1024];
            for (int number = 0; number < 400; number++) await context.Response.Body.WriteAsync(part);
        });
        app.MapMethods("/api/v1/tariffs/read-only", ["GET"], () => "read-only");
        app.MapMethods("/api/v1/tariffs/read-only", ["POST"], (HttpContext context) =>
        {
            context.Response.Headers.Allow = "GET";
            return Results.Problem(statusCode: 405);
        });
        app.MapGet("/api/v1/tariffs/known", () => Results.StatusCode(304));
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
