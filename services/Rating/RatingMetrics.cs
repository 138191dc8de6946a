using System.Diagnostics.Metrics;

namespace HpcBilling.Rating;

/// <summary>What the service counts, beside what the framework counts by itself.</summary>
internal static class RatingMetrics
{
    private static readonly Meter Meter = new("HpcBilling.Rating");

    /// <summary>Tag <c>rating</c>: <c>priced</c>, <c>unpriced</c>, <c>exempt</c>, <c>unfinished</c>.</summary>
    private static readonly Counter<long> RunsRated =
        Meter.CreateCounter<long>("hpcbilling.rating.runs", "{run}", "Runs stored or updated, by where they stand.");

    public static readonly Counter<long> RunsSuperseded = Meter.CreateCounter<long>(
        "hpcbilling.rating.runs.superseded_after_billing", "{run}", "Billed runs of which newer facts arrived.");

    public static readonly Counter<long> ReceiptsIssued =
        Meter.CreateCounter<long>("hpcbilling.rating.receipts.issued", "{receipt}", "Receipts issued.");

    public static readonly Counter<long> SettlementsRefused = Meter.CreateCounter<long>(
        "hpcbilling.rating.settlements.refused", "{settlement}", "Settlements that did not fit their receipt.");

    public static void CountRated(string rating, long runs) => RunsRated.Add(runs, new KeyValuePair<string, object?>("rating", rating));
}
