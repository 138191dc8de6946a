using System.Runtime.InteropServices;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>The first SIGINT, SIGTERM or SIGHUP asks for an orderly stop; the second for a quick one.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping;
    private readonly CancellationTokenSource _impatient = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public StopSignals(CancellationToken cancellationToken)
    {
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _registrations.Add(PosixSignalRegistration.Create(signal, Handle));
    }

    public CancellationToken Stopping => _stopping.Token;

    public CancellationToken Impatient => _impatient.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stopping.Dispose();
        _impatient.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_stopping.IsCancellationRequested)
            _impatient.Cancel();
        else
            _stopping.Cancel();
    }
}
