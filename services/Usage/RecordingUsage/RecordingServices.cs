using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Messaging;
using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.RecordingUsage;

internal static class RecordingServices
{
    public static IServiceCollection AddRecording(this IServiceCollection services)
    {
        services.AddMessageSource<UsageRecorded, UsageRecordedSource>();
        services.AddOptions<UsageOptions>().BindConfiguration(UsageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<Spool>();
        services.AddSingleton<RunImport>();
        services.AddJobHandler<ImportHandler>();
        services.AddHostedService<TidySpool>();
        return services;
    }

    public static void MapImports(this WebApplication app)
    {
        RouteGroupBuilder imports = app.MapGroup("/api/v1/imports");
        CreateImport.Map(imports);
        ReceiveContent.Map(imports);
        ReadImports.Map(imports);
    }
}
