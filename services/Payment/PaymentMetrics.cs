using System.Diagnostics.Metrics;

namespace HpcBilling.Payment;

/// <summary>Figures that alerts are made of (docs/adr/0006-payments.md).</summary>
internal static class PaymentMetrics
{
    private static readonly Meter Meter = new("HpcBilling.Payment");

    private static readonly Counter<long> Verdicts = Meter.CreateCounter<long>(
        "hpcbilling.payment.webhook.verdicts", "{call}", "Webhook calls by provider and verdict; amount_mismatch and refund_needed want a person.");

    public static void CountVerdict(string provider, string verdict) =>
        Verdicts.Add(1, new KeyValuePair<string, object?>("provider", provider), new KeyValuePair<string, object?>("verdict", verdict));
}
