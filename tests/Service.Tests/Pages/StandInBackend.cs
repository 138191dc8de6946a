using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>In place of identity, rating, usage, payment and audit: answers in their shapes, with names as hostile as users can make them.</summary>
public sealed partial class StandInBackend : IAsyncDisposable
{
    public const string Hostile = "<script>alert(1)</script>";
    public const string Formula = "=HYPERLINK(\"http://evil.example\")";
    public static readonly Guid OwnReceipt = new("01900000-0000-7000-9000-000000000001");
    public static readonly Guid ForeignReceipt = new("01900000-0000-7000-9000-000000000002");
    public static readonly Guid CreditNote = new("01900000-0000-7000-9000-00000000000c");
    public const string Code = "ABCD-EFGH-JKMN-PQRS";
    public static readonly Guid Account = new("01900000-0000-7000-9000-000000000004");
    public static readonly Guid Weighing = new("01900000-0000-7000-9000-000000000009");
    public static readonly Guid Quarantined = new("01900000-0000-7000-9000-000000000005");
    public static readonly Guid Backfill = new("01900000-0000-7000-9000-000000000006");
    public static readonly Guid OwnSource = new("01900000-0000-7000-9000-00000000000a");
    public static readonly Guid Job = new("01900000-0000-7000-9000-000000000003");

    private static readonly DateTimeOffset Noon = new(2017, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly ConcurrentQueue<string> written = new();
    private WebApplication? app;

    public string Address { get; private set; } = "";

    /// <summary>Method, path and body of everything that would have changed something.</summary>
    public IReadOnlyCollection<string> Written => written;

    public void Forget()
    {
        written.Clear();
        (Reach, Import) = (Reached.All, new ImportState());
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.Use(async (context, next) =>
        {
            if (context.Request.Path.Value!.EndsWith("/content", StringComparison.Ordinal))
            {
                written.Enqueue($"{context.Request.Method} {context.Request.Path} {context.Request.Headers["Upload-Offset"]}");
            }
            else if (!HttpMethods.IsGet(context.Request.Method))
            {
                context.Request.EnableBuffering();
                using var body = new StreamReader(context.Request.Body, leaveOpen: true);
                written.Enqueue($"{context.Request.Method} {context.Request.Path} {await body.ReadToEndAsync()}");
                context.Request.Body.Position = 0;
            }

            await next(context);
        });
        MapRating(app);
        MapIdentity(app);
        MapJobs(app);
        MapQuarantine(app);
        MapClusters(app);
        MapSources(app);
        MapImports(app);
        app.MapGet("/api/v1/audit", () => new
        {
            items = new[]
            {
                new
                {
                    seq = 1, occurredAt = Noon, service = "rating", actor = Hostile, action = "receipt.issued", subject = Hostile,
                    details = new Dictionary<string, string> { ["reason"] = Hostile }, ipAddress = "10.0.0.1", hash = "00",
                },
            },
        });
        await app.StartAsync();
        Address = app.Urls.Single();
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
    }
}
