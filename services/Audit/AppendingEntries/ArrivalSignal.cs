namespace HpcBilling.Audit.AppendingEntries;

/// <summary>Wakes the appender of this process; another replica's arrivals are found by its poll.</summary>
internal sealed class ArrivalSignal : IDisposable
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
            // Already set: the appender will look anyway.
        }
    }

    public Task WaitAsync(TimeSpan longest, CancellationToken cancellation) => pending.WaitAsync(longest, cancellation);

    public void Dispose() => pending.Dispose();
}
