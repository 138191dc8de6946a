using HpcBilling.ServiceDefaults.Startup;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace HpcBilling.ServiceDefaults.Messaging;

public static class MessagingExtensions
{
    /// <summary>MassTransit over the RabbitMQ of <c>ConnectionStrings:rabbitmq</c>, an outbox relay, and the service's consumers behind an inbox.</summary>
    /// <param name="builder">The service's builder; <c>AddDatabase</c> comes before.</param>
    /// <param name="service">Prefix of the service's queues.</param>
    /// <param name="configure">Names the consumers; null for a service that only publishes.</param>
    public static WebApplicationBuilder AddMessaging(this WebApplicationBuilder builder, string service, Action<BusConsumers>? configure = null)
    {
        string connection = builder.Require("ConnectionStrings:rabbitmq", "events could not be sent"); // `migrate` needs none
        IConfigurationSection section = builder.Configuration.GetSection(MessagingOptions.Section);
        MessagingOptions options = section.Get<MessagingOptions>() ?? new MessagingOptions();
        builder.Services.AddOptions<MessagingOptions>().Bind(section).ValidateDataAnnotations().ValidateOnStart();

        var consumers = new BusConsumers(service, builder.Services);
        configure?.Invoke(consumers);
        builder.Services.AddSingleton(consumers.Unheard);
        builder.Services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            consumers.AddTo(bus);
            bus.UsingRabbitMq((context, rabbit) =>
            {
                rabbit.Host(new Uri(connection));
                rabbit.PrefetchCount = options.PrefetchCount;
                consumers.ConfigureEndpoints(context, rabbit, options);
            });
        });

        // A service starts, and serves, while the broker is down: what it has to say waits in the outbox.
        builder.Services.Configure<MassTransitHostOptions>(host => host.WaitUntilStarted = false);
        builder.Services.TryAddSingleton<RelayObserver>();
        builder.Services.AddSingleton<OutboxPublisher>();
        builder.Services.AddHostedService<OutboxRelay>();
        builder.Services.AddHostedService<OutboxListener>();
        builder.Services.AddSingleton<OutboxSignal>();
        builder.Services.AddHostedService<MessageRetention>();
        return builder;
    }

    /// <summary>Registers what builds the body of messages that are enqueued by reference.</summary>
    public static IServiceCollection AddMessageSource<T, TSource>(this IServiceCollection services)
        where T : class
        where TSource : class, IMessageSource<T> =>
        services.AddSingleton<IMessageSource<T>, TSource>()
            .AddKeyedSingleton<MessageBuilder>(typeof(T).Name, (provider, _) =>
                async (reference, transaction, cancellation) =>
                    await provider.GetRequiredService<IMessageSource<T>>().BuildAsync(reference, transaction, cancellation));
}

internal delegate Task<object?> MessageBuilder(string reference, Data.OrgTransaction transaction, CancellationToken cancellation);
