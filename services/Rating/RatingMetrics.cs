using System.Diagnostics.Metrics;
using HpcBilling.Rating.Domain;

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

    /// <summary>Tag <c>kind</c>: <c>receipt</c>, <c>credit_note</c>.</summary>
    private static readonly Counter<long> ReceiptsIssued =
        Meter.CreateCounter<long>("hpcbilling.rating.receipts.issued", "{receipt}", "Receipts and credit notes issued.");

    private static readonly Counter<long> Adjustments = Meter.CreateCounter<long>(
        "hpcbilling.rating.adjustments", "{adjustment}", "Lines that correct what a billed run costs.");

    public static readonly Counter<long> SettlementsRefused = Meter.CreateCounter<long>(
        "hpcbilling.rating.settlements.refused", "{settlement}", "Settlements that did not fit their receipt.");

    public static void CountIssued(ReceiptKind kind, int adjustments)
    {
        ReceiptsIssued.Add(1, new KeyValuePair<string, object?>("kind", kind.Word()));
        if (adjustments > 0) Adjustments.Add(adjustments);
    }

    /// <param name="pending">Billed runs of which newer facts wait for an adjustment; tags <c>org</c> and <c>waits_for</c>.</param>
    public static void ObservePendingAdjustments(Func<IEnumerable<Measurement<long>>> pending) => Meter.CreateObservableGauge(
        "hpcbilling.rating.adjustments.pending", pending, "{run}", "Billed runs of which newer facts wait for an adjustment.");

    public static void CountRated(string rating, long runs) => RunsRated.Add(runs, new KeyValuePair<string, object?>("rating", rating));
}
