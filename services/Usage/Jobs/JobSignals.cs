using System.Collections.Frozen;
using HpcBilling.ServiceDefaults;

namespace HpcBilling.Usage.Jobs;

/// <summary>Wakes this process's worker of a type when there is a job; other replicas find it by looking.</summary>
internal sealed class JobSignals : IDisposable
{
    private readonly FrozenDictionary<string, WakeSignal> signals = Job.Types.ToFrozenDictionary(type => type, _ => new WakeSignal(), StringComparer.Ordinal);

    public WakeSignal Of(string type) => signals[type];

    public void Dispose()
    {
        foreach (WakeSignal signal in signals.Values) signal.Dispose();
    }
}
