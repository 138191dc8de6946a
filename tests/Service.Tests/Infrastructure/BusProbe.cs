using System.Collections.Concurrent;
using MassTransit;
using RabbitMQ.Client;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>The test's own place on the bus: says messages with chosen ids, and hears what services say.</summary>
public sealed class BusProbe : IAsyncDisposable
{
    private readonly ConcurrentQueue<object> heard = new();
    private readonly IBusControl bus;
    private readonly string connection;

    private BusProbe(string connection, IReadOnlyList<Action<IRabbitMqReceiveEndpointConfigurator, ConcurrentQueue<object>>> listeners)
    {
        this.connection = connection;
        bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(connection));
            rabbit.ReceiveEndpoint("test." + Guid.CreateVersion7(), endpoint =>
            {
                foreach (var listener in listeners) listener(endpoint, heard);
            });
        });
    }

    public static async Task<BusProbe> StartAsync(RunningService service, params Type[] kinds)
    {
        var listen = typeof(BusProbe).GetMethod(nameof(Listener), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!;
        var listeners = kinds
            .Select(kind => (Action<IRabbitMqReceiveEndpointConfigurator, ConcurrentQueue<object>>)listen.MakeGenericMethod(kind).Invoke(null, null)!)
            .ToList();
        var probe = new BusProbe(service.Settings["ConnectionStrings__rabbitmq"], listeners);
        await probe.bus.StartAsync();
        return probe;
    }

    public Task PublishAsync<T>(T message, Guid? messageId = null)
        where T : class => bus.Publish(message, context => context.MessageId = messageId ?? Guid.CreateVersion7());

    /// <summary>Messages of a kind heard so far.</summary>
    public IReadOnlyList<T> Heard<T>() => [.. heard.OfType<T>()];

    /// <summary>Messages that wait in a queue, ready or not; 0 when there is no such queue.</summary>
    public async Task<uint> QueueLengthAsync(string queue)
    {
        await using IConnection link = await new ConnectionFactory { Uri = new Uri(connection) }.CreateConnectionAsync();
        await using IChannel channel = await link.CreateChannelAsync();
        try
        {
            return (await channel.QueueDeclarePassiveAsync(queue)).MessageCount;
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
        {
            return 0;
        }
    }

    public async ValueTask DisposeAsync() => await bus.StopAsync();

    private static Action<IRabbitMqReceiveEndpointConfigurator, ConcurrentQueue<object>> Listener<T>()
        where T : class => (endpoint, queue) => endpoint.Handler<T>(context =>
        {
            queue.Enqueue(context.Message);
            return Task.CompletedTask;
        });
}
