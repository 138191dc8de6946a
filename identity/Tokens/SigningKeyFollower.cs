using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Tokens;

/// <summary>Keeps this replica's keys those of the database: at the start, and every few seconds after.</summary>
internal sealed class SigningKeyFollower(
    SigningKeyStore store, SigningKeys keys, IOptions<IdentityOptions> options, TimeProvider clock, ILogger<SigningKeyFollower> log) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        keys.Set(await store.PrepareAsync(cancellationToken));
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.KeyPollSeconds), clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                keys.Set(await store.ReadAsync(keys.Known, stoppingToken));
                DateTimeOffset now = clock.GetUtcNow();
                if (keys.Known.Any(key => key.Credentials is not null && !key.IsPublished(now)))
                {
                    await store.EraseRetiredAsync(stoppingToken);
                    keys.Set([.. keys.Known.Select(key => key.IsPublished(now) ? key : key with { Credentials = null })]);
                }
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError("The signing keys could not be read and are those of before: {Reason}", failure.Message);
            }
        }
    }
}
