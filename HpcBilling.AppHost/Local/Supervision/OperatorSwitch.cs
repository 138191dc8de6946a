namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>The operator's will about one resource: run, run anew, or stay down.</summary>
internal sealed class OperatorSwitch
{
    private readonly Lock _gate = new();
    private CancellationTokenSource? _run;
    private TaskCompletionSource? _held;

    public CancellationTokenSource BeginRun(CancellationToken stop)
    {
        lock (_gate)
            return _run = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    public Task WaitUntilReleasedAsync(CancellationToken stop)
    {
        lock (_gate)
            return (_held?.Task ?? Task.CompletedTask).WaitAsync(stop);
    }

    public void Hold()
    {
        lock (_gate)
            _held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        EndRun();
    }

    public void Release()
    {
        lock (_gate)
        {
            _held?.TrySetResult();
            _held = null;
        }
    }

    public void Restart()
    {
        Release();
        EndRun();
    }

    private void EndRun()
    {
        CancellationTokenSource? run;
        lock (_gate)
            run = _run;
        try
        {
            run?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The run ended by itself in this moment.
        }
    }
}
