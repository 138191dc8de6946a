using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>Where a service sends its metrics (OTLP over HTTP).</summary>
internal sealed class MetricsCollector : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> exports = new();
    private readonly WebApplication app;

    private MetricsCollector(WebApplication app) => this.app = app;

    /// <summary>Of the service.</summary>
    public (string Key, string Value)[] Settings =>
        [("OTEL_EXPORTER_OTLP_ENDPOINT", app.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_METRIC_EXPORT_INTERVAL", "500")];

    public static async Task<MetricsCollector> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var collector = new MetricsCollector(builder.Build());
        collector.app.MapPost("/v1/metrics", async (HttpRequest request) =>
        {
            using var body = new StreamReader(request.Body, Encoding.Latin1);
            collector.exports.Enqueue(await body.ReadToEndAsync());
        });
        collector.app.MapPost("/v1/{rest}", () => { });
        await collector.app.StartAsync();
        return collector;
    }

    /// <summary>Waits for an export that holds the metric with each of the tags.</summary>
    public Task UntilAsync(string metric, params string[] tags) => Wait.UntilAsync(
        $"{metric} is measured", () => Task.FromResult(exports.Any(export => tags.Prepend(metric).All(word => export.Contains(word, StringComparison.Ordinal)))));

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
