using HpcBilling.Usage.RecordingUsage;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

internal static class PollingServices
{
    public static IServiceCollection AddPolling(this IServiceCollection services)
    {
        services.AddOptions<PollingOptions>().BindConfiguration(PollingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<UsageOptionsCheck>();
        services.AddSingleton<IPostConfigureOptions<UsageOptions>>(provider => provider.GetRequiredService<UsageOptionsCheck>());
        services.AddSingleton<IValidateOptions<UsageOptions>>(provider => provider.GetRequiredService<UsageOptionsCheck>());
        services.AddSingleton<Clusters>();
        services.AddSingleton<ClusterLease>();
        services.AddSingleton<ClusterLedger>();
        services.AddSingleton<SourceHealth>();
        services.AddSingleton<StoreRecords>();
        services.AddSingleton<MeasureWindow>();
        services.AddSingleton<ReadWindow>();
        services.AddHostedService<PollClusters>();
        services.AddSingleton<ImportFile>();
        services.AddHostedService<WatchDirectories>();
        return services;
    }
}
