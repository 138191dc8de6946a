using System.Diagnostics.Metrics;

namespace HpcBilling.Usage;

internal static class UsageMetrics
{
    private static readonly Meter Meter = new("HpcBilling.Usage");

    /// <summary>Lines read, malformed ones and steps with them.</summary>
    public static readonly Counter<long> Lines = Meter.CreateCounter<long>("hpcbilling.usage.lines", "{line}", "Lines of accounting logs read.");

    public static readonly Counter<long> Runs = Meter.CreateCounter<long>("hpcbilling.usage.runs", "{run}", "Runs stored or updated.");

    public static readonly Counter<long> Quarantined = Meter.CreateCounter<long>("hpcbilling.usage.quarantined", "{line}", "Lines put in quarantine.");
}
