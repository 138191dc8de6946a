using System.Diagnostics;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.MessagingProbe;

/// <summary>Ends the process as <c>kill -9</c> would, at the n-th time that the moment named by <c>Crash:At</c> comes.</summary>
internal sealed class CrashingObserver(IConfiguration configuration) : RelayObserver
{
    private readonly string? at = configuration["Crash:At"];
    private int remaining = configuration.GetValue("Crash:Nth", 1);

    public override ValueTask PublishingAsync(object message, CancellationToken cancellation) => CrashAsync("publishing");

    public override ValueTask PublishedAsync(object message, CancellationToken cancellation) => CrashAsync("published");

    public override ValueTask ConsumedAsync(object message, CancellationToken cancellation) => CrashAsync("consumed");

    public override ValueTask CommittedAsync(object message, CancellationToken cancellation) => CrashAsync("committed");

    private ValueTask CrashAsync(string moment)
    {
        if (moment == at && Interlocked.Decrement(ref remaining) == 0) Process.GetCurrentProcess().Kill();
        return ValueTask.CompletedTask;
    }
}
