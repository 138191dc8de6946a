using HpcBilling.Contracts;
using MassTransit;

namespace HpcBilling.Gateway.Revocation;

/// <summary>Hears <see cref="CredentialsRevoked"/> on a queue that is this process's own and goes with it, and its own pulse on the same queue.</summary>
internal sealed class RevocationFeed(
    IBus bus, RevocationQueue queue, FeedHealth health, Revocations revocations, TimeProvider clock, ILogger<RevocationFeed> log)
    : BackgroundService, IReceiveEndpointObserver
{
    // The pulse is no event of the platform's: its parent is a trace that is not recorded.
    private const string TraceHeader = "MT-Activity-Id";
    private const string UnrecordedTrace = "00-00000000000000000000000000000001-0000000000000001-00";

    private static readonly TimeSpan PulseLifetime = TimeSpan.FromSeconds(5);
    private bool wasAlive;

    public Task HearAsync(ConsumeContext<CredentialsRevoked> context)
    {
        revocations.Revoke(context.Message.UserId.ToString());
        return Task.CompletedTask;
    }

    public Task HearAsync(ConsumeContext<FeedPulse> context)
    {
        if (health.Heard()) log.LogInformation("Revocations are heard from the broker");
        return Task.CompletedTask;
    }

    // A new queue knows nothing of what was said while there was none.
    public Task Ready(ReceiveEndpointReady ready) => InterruptedAsync();

    public Task Faulted(ReceiveEndpointFaulted faulted) => InterruptedAsync();

    public Task Stopping(ReceiveEndpointStopping stopping) => InterruptedAsync();

    public Task Completed(ReceiveEndpointCompleted completed) => InterruptedAsync();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using ConnectHandle observing = bus.ConnectReceiveEndpointObserver(this);
        using var timer = new PeriodicTimer(FeedHealth.PulseEvery, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await TryPulseAsync(stoppingToken);
            bool alive = health.IsAlive();
            if (wasAlive && !alive) log.LogWarning("Revocations are not heard from the broker: identity is asked at nearly every request until they are");
            wasAlive = alive;
        }
    }

    private async Task TryPulseAsync(CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(FeedHealth.SilenceMax);
        try
        {
            ISendEndpoint own = await bus.GetSendEndpoint(queue.Address).WaitAsync(limit.Token);
            await own.Send(new FeedPulse(), (SendContext<FeedPulse> context) => Unrecorded(context), limit.Token).WaitAsync(limit.Token);
        }
        catch (Exception failure) when (!stopping.IsCancellationRequested)
        {
            log.LogDebug(failure, "No pulse could be sent"); // the silence is what counts
        }
    }

    private static void Unrecorded(SendContext context)
    {
        context.Durable = false;
        context.TimeToLive = PulseLifetime;
        context.Headers.Set(TraceHeader, UnrecordedTrace);
    }

    private Task InterruptedAsync()
    {
        health.Interrupted();
        return Task.CompletedTask;
    }
}

/// <summary>Says nothing but that it arrived.</summary>
internal sealed record FeedPulse;

/// <summary>This process's queue at the broker.</summary>
/// <param name="Name">Like no other's.</param>
internal sealed record RevocationQueue(string Name)
{
    public Uri Address { get; } = new($"exchange:{Name}?temporary=true");
}
