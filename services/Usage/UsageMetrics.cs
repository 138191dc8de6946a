using System.Diagnostics.Metrics;
using HpcBilling.Usage.Reconciling;

namespace HpcBilling.Usage;

internal static class UsageMetrics
{
    private static readonly Meter Meter = new("HpcBilling.Usage");

    /// <summary>Lines read, malformed ones and steps with them.</summary>
    public static readonly Counter<long> Lines = Meter.CreateCounter<long>("hpcbilling.usage.lines", "{line}", "Lines of accounting logs read.");

    public static readonly Counter<long> Runs = Meter.CreateCounter<long>("hpcbilling.usage.runs", "{run}", "Runs stored or updated.");

    /// <summary>Tag <c>source</c>.</summary>
    public static readonly Counter<long> Records = Meter.CreateCounter<long>("hpcbilling.usage.records", "{record}", "Records read from live sources.");

    public static readonly Counter<long> Corrected = Meter.CreateCounter<long>("hpcbilling.usage.runs.corrected", "{run}", "Ended runs of which a source told other facts.");

    /// <summary>Tag <c>source</c>.</summary>
    public static readonly Counter<long> SourceFailures = Meter.CreateCounter<long>("hpcbilling.usage.source.failures", "{failure}", "Questions that a live source did not answer.");

    public static readonly Counter<long> MeasureFailures =
        Meter.CreateCounter<long>("hpcbilling.usage.measure.failures", "{failure}", "Times that what runs made use of could not be read or stored; their charges were.");

    public static readonly Counter<long> Quarantined = Meter.CreateCounter<long>("hpcbilling.usage.quarantined", "{line}", "Lines put in quarantine.");

    private static IReadOnlyList<LastBalance> balances = [];

    static UsageMetrics()
    {
        // An alert stands on either: runs of other people can differ while the sums do not.
        Meter.CreateObservableGauge(
            "hpcbilling.usage.reconciliation.difference", () => Volatile.Read(ref balances).SelectMany(balance => balance.OfTres()), "{unit}.s",
            "What slurmdbd holds and nothing accounts for, of the last reconciliation.");
        Meter.CreateObservableGauge(
            "hpcbilling.usage.reconciliation.differences", () => Volatile.Read(ref balances).Select(balance => balance.OfRuns()), "{run}",
            "Runs that differ from what slurmdbd holds, of the last reconciliation.");
    }

    /// <summary>The last reconciliation of each cluster.</summary>
    public static void Show(IReadOnlyList<LastBalance> last) => Volatile.Write(ref balances, last);

    /// <param name="open">Records in quarantine that nobody has decided on; tags <c>cluster</c> and <c>org</c>.</param>
    public static void ObserveOpenQuarantine(Func<IEnumerable<Measurement<long>>> open) =>
        Meter.CreateObservableGauge("hpcbilling.usage.quarantine.open", open, "{record}", "Records in quarantine that nobody has decided on.");
}
