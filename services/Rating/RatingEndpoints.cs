using HpcBilling.Rating.Accounting;
using HpcBilling.Rating.AssigningTiers;
using HpcBilling.Rating.ClassifyingRuns;
using HpcBilling.Rating.IssuingReceipts;
using HpcBilling.Rating.PublishingTariffs;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.Rating.SettlingReceipts;
using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Rating;

/// <summary>Every route of the service and who may use it.</summary>
internal static class RatingEndpoints
{
    public static void MapRating(this WebApplication app)
    {
        ReadFormula.Map(app);
        PublishFormula.Map(app);
        ListTariffs.Map(app);
        EstimateCost.Map(app);

        var tiers = app.MapGroup("/api/v1/tiers").RequireAuthorization(Policies.Admin);
        ReadTier.Map(tiers);
        AssignTier.Map(tiers);

        var usage = app.MapGroup("/api/v1/usage").RequireAuthorization(Policies.User, Policies.Scope("usage.read"));
        ListUsage.Map(usage);
        TotalUsage.Map(usage);
        CountImportedRuns.Map(app.MapGroup("/api/v1/usage").RequireAuthorization(Policies.Operator, Policies.Scope("usage.read")));

        var receipts = app.MapGroup("/api/v1/receipts").RequireAuthorization(Policies.User);
        CreateOwnReceipt.Map(receipts);
        RefundCreditNote.Map(receipts);
        var reading = receipts.MapGroup("").RequireAuthorization(Policies.Scope("receipts.read"));
        ListReceipts.Map(reading);
        ReadReceipt.Map(reading);

        var runs = app.MapGroup("/api/v1/receipt-runs").RequireAuthorization(Policies.Operator);
        RequestReceiptRun.Map(runs);
        ReadReceiptRun.Map(runs);

        // Not at the gateway: what services ask each other.
        var asked = app.MapGroup("/internal/v1").RequireAuthorization(Policies.Operator, Policies.Scope("runs.classify"));
        ClassifyRuns.Map(asked);
        ReadMonth.Map(asked);
    }
}
