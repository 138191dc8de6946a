using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace HpcBilling.ServiceDefaults.Health;

/// <summary><c>/healthz</c>: the process is alive. <c>/readyz</c>: what it depends on answers. Neither says more than a word.</summary>
public static class HealthEndpoints
{
    private const string ReadyTag = "ready";
    private const int CheckTimeoutSeconds = 3;

    internal static void AddHealth(this IServiceCollection services) => services.AddHealthChecks();

    internal static void AddReadiness<TCheck>(this IServiceCollection services, string name)
        where TCheck : class, IHealthCheck =>
        services.AddHealthChecks().AddCheck<TCheck>(name, HealthStatus.Unhealthy, [ReadyTag], TimeSpan.FromSeconds(CheckTimeoutSeconds));

    public static void MapHealth(this WebApplication app)
    {
        app.MapHealthChecks("/healthz", new HealthCheckOptions { Predicate = _ => false }).AllowAnonymous();
        app.MapHealthChecks("/readyz", new HealthCheckOptions
        {
            // MassTransit's own check carries the tag "ready" as well.
            Predicate = check => check.Tags.Contains(ReadyTag),
        }).AllowAnonymous();
    }
}
