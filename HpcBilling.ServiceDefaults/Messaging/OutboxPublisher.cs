using System.Diagnostics;
using System.Text.Json;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Telemetry;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Publishes one batch of unsent rows and marks them in the same transaction, after the broker has confirmed them.</summary>
internal sealed class OutboxPublisher(
    Database database, IBus bus, IServiceProvider services, RelayObserver observer, IOptions<MessagingOptions> options)
{
    // Replicas share the work: each takes rows that no other holds. The lock lasts until the broker has confirmed, which is the one
    // place where a transaction waits for the network: giving it up would publish every row of a slow batch twice.
    private const string ClaimSql = """
        SELECT id, message_id, org_id, kind, body::text AS body, reference, trace_parent FROM outbox
        WHERE sent_at IS NULL ORDER BY id LIMIT @BatchMax FOR UPDATE SKIP LOCKED
        """;

    private const string MarkSql = "UPDATE outbox SET sent_at = clock_timestamp() WHERE id = ANY(@Ids)";

    private static readonly ActivitySource Activities = new(TelemetryExtensions.SourcePrefix + "Outbox");

    private static readonly Dictionary<string, Type> Kinds =
        typeof(UsageRecorded).Assembly.GetExportedTypes().ToDictionary(type => type.Name, StringComparer.Ordinal);

    /// <returns>Rows published; fewer than the batch size when the outbox is drained.</returns>
    public async Task<int> PublishBatchAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        IReadOnlyList<Row> rows = await transaction.QueryAsync<Row>(ClaimSql, new { BatchMax = options.Value.OutboxBatchMax }, cancellation);
        if (rows.Count == 0) return 0;

        var messages = new List<(Row Row, object Message)>(rows.Count);
        foreach (Row row in rows)
        {
            object? message = await BodyAsync(row, transaction, cancellation);
            if (message is not null) messages.Add((row, message));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(options.Value.PublishTimeoutSeconds));
        await Task.WhenAll(messages.Select(entry => PublishAsync(entry.Row, entry.Message, limit.Token)));

        await transaction.ExecuteAsync(MarkSql, new { Ids = rows.Select(row => row.Id).ToArray() }, cancellation);
        await transaction.CommitAsync(cancellation);
        return rows.Count;
    }

    private async Task PublishAsync(Row row, object message, CancellationToken cancellation)
    {
        // The message continues the trace of the request whose transaction enqueued it.
        using Activity? activity = Activities.StartActivity("outbox publish", ActivityKind.Internal, row.TraceParent);
        await observer.PublishingAsync(message, cancellation);
        await bus.Publish(message, Kinds[row.Kind], context => context.MessageId = row.MessageId, cancellation);
        await observer.PublishedAsync(message, cancellation);
    }

    private async Task<object?> BodyAsync(Row row, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (row.Body is not null) return JsonSerializer.Deserialize(row.Body, Kinds[row.Kind], JsonSerializerOptions.Web);
        await transaction.EnterOrgAsync(row.OrgId, cancellation);
        return await services.GetRequiredKeyedService<MessageBuilder>(row.Kind)(row.Reference!, transaction, cancellation);
    }

    private sealed record Row(long Id, Guid MessageId, Guid OrgId, string Kind, string? Body, string? Reference, string? TraceParent);
}
