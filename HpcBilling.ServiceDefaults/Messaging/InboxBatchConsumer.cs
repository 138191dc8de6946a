using HpcBilling.ServiceDefaults.Data;
using MassTransit;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>As <see cref="InboxConsumer{T, TConsumer}"/>, for a batch: one transaction for the messages of each org.</summary>
internal sealed class InboxBatchConsumer<T, TConsumer>(TConsumer consumer, MessageOrg<T> org, Database database, RelayObserver observer)
    : IConsumer<Batch<T>>
    where T : class
    where TConsumer : class, IConsumeBatch<T>
{
    // In order of the ids, so that two replicas that claim the same messages wait for each other instead of deadlocking.
    private const string ClaimSql = """
        INSERT INTO inbox (message_id, consumer, org_id)
        SELECT id, @Consumer, @OrgId FROM unnest(@MessageIds) AS m (id) ORDER BY id ON CONFLICT DO NOTHING
        RETURNING message_id
        """;

    public async Task Consume(ConsumeContext<Batch<T>> context)
    {
        foreach (IGrouping<Guid, ConsumeContext<T>> group in context.Message.GroupBy(message => org.Of(message.Message)))
            await ConsumeAsync(group.Key, group, context.CancellationToken);
    }

    private async Task ConsumeAsync(Guid orgId, IEnumerable<ConsumeContext<T>> group, CancellationToken cancellation)
    {
        var byId = new Dictionary<Guid, T>();
        foreach (ConsumeContext<T> message in group)
            byId[message.MessageId ?? throw new InvalidOperationException("A message without an id cannot be claimed.")] = message.Message;

        await using OrgTransaction transaction = await database.BeginAsync(orgId, cancellation);
        var claim = new { MessageIds = byId.Keys.ToArray(), Consumer = typeof(TConsumer).Name, OrgId = orgId };
        IReadOnlyList<Guid> claimed = await transaction.QueryAsync<Guid>(ClaimSql, claim, cancellation);
        if (claimed.Count == 0) return;

        List<T> messages = [.. claimed.Select(id => byId[id])];
        await consumer.ConsumeAsync(messages, transaction, cancellation);
        foreach (T message in messages) await observer.ConsumedAsync(message, cancellation);
        await transaction.CommitAsync(cancellation);
        foreach (T message in messages) await observer.CommittedAsync(message, cancellation);
    }
}
