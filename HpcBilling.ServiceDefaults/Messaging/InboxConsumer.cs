using HpcBilling.ServiceDefaults.Data;
using MassTransit;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Claims the message, runs the effect and commits both; a message that was claimed before is acknowledged and left alone.</summary>
internal sealed class InboxConsumer<T, TConsumer>(TConsumer consumer, MessageOrg<T> org, Database database, RelayObserver observer) : IConsumer<T>
    where T : class
    where TConsumer : class, IConsume<T>
{
    private const string ClaimSql = """
        INSERT INTO inbox (message_id, consumer, org_id) VALUES (@MessageId, @Consumer, @OrgId) ON CONFLICT DO NOTHING
        """;

    public async Task Consume(ConsumeContext<T> context)
    {
        Guid messageId = context.MessageId ?? throw new InvalidOperationException("A message without an id cannot be claimed.");
        Guid orgId = org.Of(context.Message);
        await using OrgTransaction transaction = await database.BeginAsync(orgId, context.CancellationToken);
        var claim = new { MessageId = messageId, Consumer = typeof(TConsumer).Name, OrgId = orgId };
        if (await transaction.ExecuteAsync(ClaimSql, claim, context.CancellationToken) == 0) return;

        await consumer.ConsumeAsync(context.Message, transaction, context.CancellationToken);
        await observer.ConsumedAsync(context.Message, context.CancellationToken);
        await transaction.CommitAsync(context.CancellationToken);
        await observer.CommittedAsync(context.Message, context.CancellationToken);
    }
}
