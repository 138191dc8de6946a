using System.Security.Cryptography;
using HpcBilling.Contracts;
using MassTransit;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace HpcBilling.Gateway.Revocation;

internal static class RevocationServices
{
    /// <summary>Name of the connection string of the broker, as everywhere.</summary>
    public const string Broker = "rabbitmq";

    /// <summary>Revocations from the RabbitMQ of <c>ConnectionStrings:rabbitmq</c>; without one, or while it is away, answers are kept for less than a second.</summary>
    public static WebApplicationBuilder AddRevocations(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<FeedHealth>().AddSingleton<Revocations>();
        if (builder.Configuration.GetConnectionString(Broker) is not { Length: > 0 } connection) return builder;

        // Random, since the broker may hold the queue of a process that was killed a little longer.
        var queue = new RevocationQueue($"gateway.revocations.{RandomNumberGenerator.GetHexString(16, lowercase: true)}");
        builder.Services.AddSingleton(queue).AddSingleton<RevocationFeed>().AddHostedService(services => services.GetRequiredService<RevocationFeed>());
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();

            // A gateway without a broker serves, only with more questions to identity: that is no reason to take it out of service.
            bus.ConfigureHealthCheckOptions(health => health.MinimalFailureStatus = HealthStatus.Degraded);
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.Host(new Uri(connection));
                rabbit.ReceiveEndpoint(queue.Name, endpoint => Configure(endpoint, context));
            });
        });
        builder.Services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = false);
        return builder;
    }

    private static void Configure(IRabbitMqReceiveEndpointConfigurator endpoint, IBusRegistrationContext context)
    {
        endpoint.Durable = false;
        endpoint.AutoDelete = true;
        endpoint.Exclusive = true;
        endpoint.ConfigureConsumeTopology = false;
        endpoint.Bind<CredentialsRevoked>();

        // Found when the first message comes: the feed needs the bus, which is being made here.
        var feed = new Lazy<RevocationFeed>(context.GetRequiredService<RevocationFeed>);
        endpoint.Handler<CredentialsRevoked>(message => feed.Value.HearAsync(message));
        endpoint.Handler<FeedPulse>(message => feed.Value.HearAsync(message));
    }
}
