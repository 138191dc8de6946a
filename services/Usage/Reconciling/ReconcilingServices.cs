using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.Reconciling;

internal static class ReconcilingServices
{
    public static WebApplicationBuilder AddReconciling(this WebApplicationBuilder builder)
    {
        // Without the two, everything but this goes on, and a reconciliation fails with the reason.
        builder.Services.AddHttpClient();
        if (IsKnown(builder, "identity") && IsKnown(builder, "rating"))
        {
            builder.AddServiceClient("identity");
            builder.AddServiceClient("rating");
        }

        builder.Services.AddSingleton<ServiceTokens>();
        builder.Services.AddSingleton<RatingClasses>();
        builder.Services.AddSingleton<SlurmdbdRecords>();
        builder.Services.AddSingleton<BalancedRuns>();
        builder.Services.AddSingleton<ReconcileCluster>();
        builder.Services.AddJobHandler<ReconcileHandler>();
        builder.Services.AddHostedService<ShowBalances>();
        return builder;
    }

    private static bool IsKnown(WebApplicationBuilder builder, string service) =>
        builder.Configuration[$"services:{service}:https:0"] is not null || builder.Configuration[$"services:{service}:http:0"] is not null;
}
