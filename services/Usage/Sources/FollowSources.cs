namespace HpcBilling.Usage.Sources;

/// <summary>Looks what has become of the sources: other replicas and people change them.</summary>
internal sealed class FollowSources(LoadSources load, SettleSources settle, TimeProvider clock, ILogger<FollowSources> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(3);

    // Another replica may use what is gone for some seconds more, and write of it.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await load.LoadAsync(stoppingToken);
                if (clock.GetUtcNow() - load.ChangedAt < Settling) await settle.SettleAsync(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(failure, "Sources could not be looked at");
            }

            await load.Changed.WaitAsync(Look, stoppingToken);
        }
    }
}
