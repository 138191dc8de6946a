using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Hears PostgreSQL's <c>NOTIFY outbox</c> of any replica's commit and wakes the relay.</summary>
internal sealed class OutboxListener(NpgsqlDataSource source, OutboxSignal signal, TimeProvider clock, ILogger<OutboxListener> log) : BackgroundService
{
    private static readonly TimeSpan ReconnectAfter = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // The relay polls meanwhile; a lost connection delays messages and loses none.
                log.LogWarning("The outbox listener lost its connection: {Reason}", failure.Message);
                await Task.Delay(ReconnectAfter, clock, stoppingToken);
            }
        }
    }

    private async Task ListenAsync(CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        connection.Notification += (_, _) => signal.Set();
        await connection.ExecuteAsync(new CommandDefinition("LISTEN outbox", cancellationToken: cancellation));
        signal.Set();
        while (true) await connection.WaitAsync(cancellation);
    }
}
