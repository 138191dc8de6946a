namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Wakes this process's worker when an upload is complete; other replicas find the job by polling.</summary>
internal sealed class ImportSignal : IDisposable
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

    public void Dispose() => pending.Dispose();
}
