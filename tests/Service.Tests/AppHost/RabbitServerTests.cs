using System.Text;
using HpcBilling.AppHost.Local.Rabbit;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class RabbitServerTests
{
    private const string Queue = "usage-recorded";

    [Fact]
    public async Task A_confirmed_message_in_a_quorum_queue_survives_a_kill_and_a_restart()
    {
        using var directory = new TemporaryDirectory();
        await using (var rabbit = await RabbitServer.StartAsync(directory.File("state")))
        {
            await PublishAsync(rabbit.Server.ConnectionString, "run 42");
            await Eventually.IsTrueAsync(() => IsQueueOnDisk(directory.File("state")), "the node has written down that there is such a queue");
            await rabbit.KillAsync();
            await rabbit.StartAsync();
            await PublishAsync(rabbit.Server.ConnectionString, "run 43");
        }

        await using var later = await RabbitServer.StartAsync(directory.File("state"));
        Assert.Equal(["run 42", "run 43"], await ReadAsync(later.Server.ConnectionString, 2));
    }

    private static async Task PublishAsync(string url, string body)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await channel.QueueDeclareAsync(
            Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        // Right after a restart the queue elects its leader, and until then refuses; a publisher repeats what is not confirmed.
        await Eventually.IsTrueAsync(() => IsConfirmedAsync(channel, body), "the message is confirmed");
    }

    /// <summary>
    /// Messages are on disk when they are confirmed, but the register of quorum queues follows half a second after a queue is
    /// declared: RabbitMQ 3.10 loses a queue, not a message, when it is killed in between.
    /// </summary>
    private static bool IsQueueOnDisk(string state)
    {
        var registers = Directory.EnumerateFiles(Path.Combine(state, "rabbitmq", "data"), "names.dets", SearchOption.AllDirectories);
        return registers.Any(register => File.ReadAllBytes(register).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Queue)) >= 0);
    }

    private static async Task<bool> IsConfirmedAsync(IChannel channel, string body)
    {
        try
        {
            await channel.BasicPublishAsync("", Queue, mandatory: true, Encoding.UTF8.GetBytes(body));
            return true;
        }
        catch (PublishException)
        {
            return false;
        }
    }

    private static async Task<List<string>> ReadAsync(string url, int count)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        var bodies = new List<string>();
        await Eventually.IsTrueAsync(
            async () =>
            {
                if (await channel.BasicGetAsync(Queue, autoAck: true) is { } message)
                    bodies.Add(Encoding.UTF8.GetString(message.Body.Span));
                return bodies.Count == count;
            },
            "all messages are back");
        return bodies;
    }
}
