using System.Diagnostics.Metrics;

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
}
