using System.Text.Json;
using System.Text.Json.Serialization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Health;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Protection;
using HpcBilling.ServiceDefaults.Startup;
using HpcBilling.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace HpcBilling.ServiceDefaults;

/// <summary>What every service does the same way, in two calls.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Telemetry, JSON logs, health, token validation, deny by default, problem details.</summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="service">Name of the service; also the audience that its tokens must carry.</param>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder, string service)
    {
        builder.AddProcessDefaults(service);
        builder.AddTokenValidation(service);

        // Services listen to the gateway alone, on loopback or a private network; the gateway overwrites what a client sent.
        builder.Services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
            forwarded.ForwardLimit = 1;
            foreach (string network in builder.Configuration.GetSection("Gateway:Networks").GetChildren().Select(child => child.Value ?? ""))
                forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(network));
        });
        return builder;
    }

    /// <summary>Telemetry, JSON logs, health, problem details: for the gateway too, which hands tokens on and checks none.</summary>
    public static WebApplicationBuilder AddProcessDefaults(this WebApplicationBuilder builder, string service)
    {
        builder.Services.AddSingleton(new ServiceIdentity(service));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Host.UseDefaultServiceProvider(provider => provider.ValidateOnBuild = provider.ValidateScopes = true);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(15));
        builder.Services.ConfigureHttpJsonOptions(json => ConfigureJson(json.SerializerOptions));
        builder.AddTelemetry(service);
        builder.Services.AddProblems();
        builder.Services.AddHttpContextAccessor();
        builder.Services.AddMemoryKeyRing();
        builder.Services.AddHealth();
        return builder;
    }

    /// <summary>The pipeline's common part; endpoints are mapped after it.</summary>
    public static WebApplication UseServiceDefaults(this WebApplication app)
    {
        app.CheckSettings();
        app.UseForwardedHeaders();
        app.UseRequestLog();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapHealth();
        return app;
    }

    /// <summary>One log line a request.</summary>
    public static IApplicationBuilder UseRequestLog(this IApplicationBuilder app) => app.UseMiddleware<RequestLog>();

    /// <summary>camelCase names, snake_case enum words, unknown enum words refused.</summary>
    public static void ConfigureJson(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        json.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false));
    }
}

/// <summary>Which service this process is.</summary>
/// <param name="Name">Lower-case name: <c>usage</c>, <c>rating</c> …</param>
public sealed record ServiceIdentity(string Name);
