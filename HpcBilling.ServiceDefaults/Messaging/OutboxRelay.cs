using System.Diagnostics.Metrics;
using HpcBilling.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Publishes what committed transactions left in the outbox, for as long as the service runs.</summary>
internal sealed class OutboxRelay(
    OutboxPublisher publisher, OutboxSignal signal, IOptions<MessagingOptions> options, TimeProvider clock, ILogger<OutboxRelay> log)
    : BackgroundService
{
    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(10);
    private static readonly Meter Meter = new(TelemetryExtensions.SourcePrefix + "Outbox");
    private static readonly Counter<long> Sent = Meter.CreateCounter<long>("hpcbilling.outbox.sent", "{message}", "Messages published and marked.");
    private static readonly Counter<long> Refused = Meter.CreateCounter<long>("hpcbilling.outbox.refused", "{message}", "Messages that were not taken and are tried again.");
    private static readonly Counter<long> Failures = Meter.CreateCounter<long>("hpcbilling.outbox.failures", "{pass}", "Passes that ended in an error.");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        TimeSpan backoff = BackoffMin;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                OutboxPublisher.Pass pass = await publisher.PublishBatchAsync(stoppingToken);
                Sent.Add(pass.Claimed - pass.Refused);
                Refused.Add(pass.Refused);
                backoff = BackoffMin;
                if (pass.Claimed < options.Value.OutboxBatchMax) await signal.WaitAsync(PauseAfter(pass), stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                Failures.Add(1);
                log.LogWarning("The outbox could not be published and is tried again in {DelayMs} ms: {Reason}", (long)backoff.TotalMilliseconds, failure.Message);
                await Task.Delay(backoff, clock, stoppingToken);
                backoff = backoff * 2 < BackoffMax ? backoff * 2 : BackoffMax;
            }
        }
    }

    private TimeSpan PauseAfter(OutboxPublisher.Pass pass) => pass.Refused > 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds(options.Value.OutboxPollSeconds);
}
