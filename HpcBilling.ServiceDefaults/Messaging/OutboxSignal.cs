namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Wakes the relay: set by a notification, reset when the relay looks.</summary>
internal sealed class OutboxSignal : IDisposable
{
    private readonly SemaphoreSlim pending = new(0, 1);

    public void Set()
    {
        try
        {
            pending.Release();
        }
        catch (SemaphoreFullException)
        {
            // Already set: the relay will look anyway.
        }
    }

    public Task WaitAsync(TimeSpan longest, CancellationToken cancellation) => pending.WaitAsync(longest, cancellation);

    public void Dispose() => pending.Dispose();
}
