using System.Text.Json;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>The consumers of a service: one durable quorum queue for each.</summary>
public sealed class BusConsumers
{
    private static readonly TimeSpan BatchWaitMax = TimeSpan.FromMilliseconds(20);

    private readonly string service;
    private readonly IServiceCollection services;
    private readonly List<Action<IBusRegistrationConfigurator>> registrations = [];
    private readonly List<Action<IBusRegistrationContext, IRabbitMqBusFactoryConfigurator, MessagingOptions>> endpoints = [];

    internal BusConsumers(string service, IServiceCollection services) => (this.service, this.services) = (service, services);

    /// <summary>Consumes <typeparamref name="T"/> with <typeparamref name="TConsumer"/>, once in effect.</summary>
    /// <param name="org">The tenant that a message belongs to.</param>
    /// <param name="concurrencyMax">Messages handled at once; null for the configured number.</param>
    public BusConsumers Consume<T, TConsumer>(Func<T, Guid> org, int? concurrencyMax = null)
        where T : class
        where TConsumer : class, IConsume<T>
    {
        services.AddScoped<TConsumer>();
        services.AddSingleton(new MessageOrg<T>(org));
        registrations.Add(bus => bus.AddConsumer<InboxConsumer<T, TConsumer>>());
        endpoints.Add((context, rabbit, options) => rabbit.ReceiveEndpoint(QueueName<T>(), endpoint =>
        {
            ConfigureQueue(endpoint, options);
            endpoint.ConcurrentMessageLimit = concurrencyMax ?? options.ConcurrencyMax;
            endpoint.ConfigureConsumer<InboxConsumer<T, TConsumer>>(context);
        }));
        return this;
    }

    /// <summary>Consumes <typeparamref name="T"/> many at a time, once in effect; a batch waits for company no longer than a moment.</summary>
    /// <param name="org">The tenant that a message belongs to.</param>
    /// <param name="messagesMax">Most messages of a batch.</param>
    /// <remarks>A batch fails as a whole and is tried again: for consumers that can handle any message of their kind.</remarks>
    public BusConsumers ConsumeBatch<T, TConsumer>(Func<T, Guid> org, ushort messagesMax)
        where T : class
        where TConsumer : class, IConsumeBatch<T>
    {
        services.AddScoped<TConsumer>();
        services.AddSingleton(new MessageOrg<T>(org));
        registrations.Add(bus => bus.AddConsumer<InboxBatchConsumer<T, TConsumer>>());
        endpoints.Add((context, rabbit, options) => rabbit.ReceiveEndpoint(QueueName<T>(), endpoint =>
        {
            ConfigureQueue(endpoint, options);
            endpoint.PrefetchCount = messagesMax * 2; // one batch in work, the next on its way
            endpoint.ConfigureConsumer<InboxBatchConsumer<T, TConsumer>>(context, consumer => consumer.Options<BatchOptions>(batch => batch
                .SetMessageLimit(messagesMax).SetTimeLimit(BatchWaitMax).SetConcurrencyLimit(1)));
        }));
        return this;
    }

    /// <summary>Nobody needs to consume <typeparamref name="T"/>; without this, a message that reaches no queue is kept and tried again.</summary>
    public BusConsumers MayGoUnheard<T>()
        where T : class
    {
        Unheard.Add(typeof(T).Name);
        return this;
    }

    internal UnheardKinds Unheard { get; } = [];

    internal void AddTo(IBusRegistrationConfigurator bus) => registrations.ForEach(register => register(bus));

    internal void ConfigureEndpoints(IBusRegistrationContext context, IRabbitMqBusFactoryConfigurator rabbit, MessagingOptions options) =>
        endpoints.ForEach(configure => configure(context, rabbit, options));

    private static void ConfigureQueue(IRabbitMqReceiveEndpointConfigurator endpoint, MessagingOptions options)
    {
        endpoint.SetQuorumQueue(options.QuorumReplicas);

        // Long enough to outlive a restart of the database; what still fails afterwards is dead-lettered to `_error`.
        endpoint.UseMessageRetry(retry => retry.Exponential(
            options.RetriesMax, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(options.RetryDelaySecondsMax), TimeSpan.FromMilliseconds(200)));
    }

    private string QueueName<T>() => $"{service}.{JsonNamingPolicy.KebabCaseLower.ConvertName(typeof(T).Name)}";
}

/// <summary>Where a message keeps its tenant.</summary>
internal sealed record MessageOrg<T>(Func<T, Guid> Of);

/// <summary>Kinds of message that need no consumer.</summary>
internal sealed class UnheardKinds() : HashSet<string>(StringComparer.Ordinal);
