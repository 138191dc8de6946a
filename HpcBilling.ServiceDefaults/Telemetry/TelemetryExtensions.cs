using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace HpcBilling.ServiceDefaults.Telemetry;

/// <summary>Traces, metrics and logs to OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set; JSON logs to the console always.</summary>
internal static class TelemetryExtensions
{
    /// <summary>Prefix of the platform's own activity sources and meters.</summary>
    public const string SourcePrefix = "HpcBilling.";

    private const string EndpointKey = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // What the framework and the libraries emit by themselves.
    private static readonly string[] Sources = ["Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "MassTransit", SourcePrefix + "*"];

    private static readonly string[] Meters =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Npgsql", "MassTransit", SourcePrefix + "*",
    ];

    public static void AddTelemetry(this WebApplicationBuilder builder, string service)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(console => console.FormatterName = JsonLogFormatter.FormatterName)
            .AddConsoleFormatter<JsonLogFormatter, ConsoleFormatterOptions>();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);
        builder.Logging.AddFilter("MassTransit", LogLevel.Warning);

        bool export = !string.IsNullOrEmpty(builder.Configuration[EndpointKey]);
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService(service, serviceNamespace: "hpcbilling").AddEnvironmentVariableDetector();

        if (export) builder.Logging.AddOpenTelemetry(logs => logs.SetResourceBuilder(resource).AddOtlpExporter());
        builder.Services.AddHostedService(_ => new TelemetryProviders(Traces(resource, export), Metrics(resource, export)));
    }

    private static TracerProvider Traces(ResourceBuilder resource, bool export)
    {
        TracerProviderBuilder traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Sources);
        return (export ? traces.AddOtlpExporter() : traces).Build();
    }

    private static MeterProvider? Metrics(ResourceBuilder resource, bool export) =>
        export ? Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Meters).AddOtlpExporter().Build() : null;
}

/// <summary>Flushes and closes the providers with the host.</summary>
internal sealed class TelemetryProviders(TracerProvider traces, MeterProvider? metrics) : IHostedService, IDisposable
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        traces.Dispose();
        metrics?.Dispose();
    }
}
