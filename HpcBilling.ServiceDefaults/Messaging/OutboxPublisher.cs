using System.Diagnostics;
using System.Text.Json;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Telemetry;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Publishes one batch of unsent rows and marks them in the same transaction, after the broker has confirmed them.</summary>
internal sealed class OutboxPublisher(
    Database database, IBus bus, IServiceProvider services, RelayObserver observer, UnheardKinds unheard,
    IOptions<MessagingOptions> options, ILogger<OutboxPublisher> log)
{
    // Replicas share the work: each takes rows that no other holds. The lock lasts until the broker has confirmed, which is the one
    // place where a transaction waits for the network: giving it up would publish every row of a slow batch twice.
    private const string ClaimSql = """
        SELECT id, message_id, org_id, kind, body::text AS body, reference, trace_parent FROM outbox
        WHERE sent_at IS NULL AND (retry_at IS NULL OR retry_at <= clock_timestamp()) ORDER BY id LIMIT @BatchMax FOR UPDATE SKIP LOCKED
        """;

    private const string MarkSql = "UPDATE outbox SET sent_at = clock_timestamp(), retry_at = NULL WHERE id = ANY(@Ids)";

    private const string PostponeSql = """
        UPDATE outbox SET attempts = attempts + 1, retry_at = clock_timestamp() + make_interval(secs => least(@SecondsMax, 0.2 * 2 ^ least(attempts, 20)))
        WHERE id = ANY(@Ids)
        """;

    private static readonly ActivitySource Activities = new(TelemetryExtensions.SourcePrefix + "Outbox");

    private static readonly Dictionary<string, Type> Kinds =
        typeof(UsageRecorded).Assembly.GetExportedTypes().ToDictionary(type => type.Name, StringComparer.Ordinal);

    public async Task<Pass> PublishBatchAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        IReadOnlyList<Row> rows = await transaction.QueryAsync<Row>(ClaimSql, new { BatchMax = options.Value.OutboxBatchMax }, cancellation);
        if (rows.Count == 0) return new Pass(0, 0);

        var messages = new List<(Row Row, object Message)>(rows.Count);
        foreach (Row row in rows)
        {
            object? message = await BodyAsync(row, transaction, cancellation);
            if (message is not null) messages.Add((row, message));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(options.Value.PublishTimeoutSeconds));
        Exception?[] failures = await Task.WhenAll(messages.Select(entry => TryPublishAsync(entry.Row, entry.Message, limit.Token)));

        // A message that nobody can take yet is tried again later and does not hold up the others.
        long[] refused = [.. messages.Where((_, index) => failures[index] is not null).Select(entry => entry.Row.Id)];
        await transaction.ExecuteAsync(MarkSql, new { Ids = rows.Select(row => row.Id).Except(refused).ToArray() }, cancellation);
        if (refused.Length > 0)
        {
            await transaction.ExecuteAsync(PostponeSql, new { Ids = refused, SecondsMax = (double)options.Value.OutboxRetrySecondsMax }, cancellation);
            log.LogWarning("{Count} messages were not taken and are tried again: {Reason}", refused.Length, Array.Find(failures, failure => failure is not null)!.Message);
        }

        await transaction.CommitAsync(cancellation);
        return new Pass(rows.Count, refused.Length);
    }

    private async Task<Exception?> TryPublishAsync(Row row, object message, CancellationToken cancellation)
    {
        // The message continues the trace of the request whose transaction enqueued it.
        using Activity? activity = Activities.StartActivity("outbox publish", ActivityKind.Internal, row.TraceParent);
        try
        {
            await observer.PublishingAsync(message, cancellation);
            await bus.Publish(message, Kinds[row.Kind], context => Address(context, row), cancellation);
            await observer.PublishedAsync(message, cancellation);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    // Mandatory: the broker returns what reaches no queue. Without it, what is said before a consumer's first start would be gone.
    private void Address(PublishContext context, Row row)
    {
        context.MessageId = row.MessageId;
        if (context.TryGetPayload(out RabbitMqSendContext? rabbit)) rabbit.Mandatory = !unheard.Contains(row.Kind);
    }

    private async Task<object?> BodyAsync(Row row, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (row.Body is not null) return JsonSerializer.Deserialize(row.Body, Kinds[row.Kind], JsonSerializerOptions.Web);
        await transaction.EnterOrgAsync(row.OrgId, cancellation);
        return await services.GetRequiredKeyedService<MessageBuilder>(row.Kind)(row.Reference!, transaction, cancellation);
    }

    /// <param name="Claimed">Rows taken; fewer than the batch size when nothing else is due.</param>
    /// <param name="Refused">Of these, the ones that were not published and are postponed.</param>
    internal sealed record Pass(int Claimed, int Refused);

    private sealed record Row(long Id, Guid MessageId, Guid OrgId, string Kind, string? Body, string? Reference, string? TraceParent);
}
