namespace HpcBilling.ServiceDefaults;

/// <summary>Wakes a worker of this process: set when there is work, reset when the worker looks.</summary>
public class WakeSignal : IDisposable
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
            // Already set: the worker will look anyway.
        }
    }

    public Task WaitAsync(TimeSpan longest, CancellationToken cancellation) => pending.WaitAsync(longest, cancellation);

    public void Dispose()
    {
        pending.Dispose();
        GC.SuppressFinalize(this);
    }
}
