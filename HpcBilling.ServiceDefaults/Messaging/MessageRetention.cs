using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Deletes sent outbox rows and old inbox claims, hourly, a bounded number at a time.</summary>
internal sealed class MessageRetention(Database database, IOptions<MessagingOptions> options, TimeProvider clock, ILogger<MessageRetention> log)
    : BackgroundService
{
    private const int RowsMax = 10_000;

    private const string OutboxSql = """
        DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE sent_at < @Before ORDER BY sent_at LIMIT @RowsMax)
        """;

    private const string InboxSql = """
        DELETE FROM inbox WHERE (message_id, consumer) IN
            (SELECT message_id, consumer FROM inbox WHERE received_at < @Before ORDER BY received_at LIMIT @RowsMax)
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var hourly = new PeriodicTimer(TimeSpan.FromHours(1), clock);
        while (await hourly.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await DeleteAsync(stoppingToken) >= RowsMax)
                {
                    // More is left; each pass is its own short transaction.
                }
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("Old messages could not be deleted: {Reason}", failure.Message);
            }
        }
    }

    private async Task<int> DeleteAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        var args = new { Before = clock.GetUtcNow().AddDays(-options.Value.RetentionDays), RowsMax };
        int deleted = Math.Max(
            await transaction.ExecuteAsync(OutboxSql, args, cancellation), await transaction.ExecuteAsync(InboxSql, args, cancellation));
        await transaction.CommitAsync(cancellation);
        return deleted;
    }
}
