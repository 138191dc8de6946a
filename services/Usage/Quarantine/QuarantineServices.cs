namespace HpcBilling.Usage.Quarantine;

internal static class QuarantineServices
{
    public static IServiceCollection AddQuarantine(this IServiceCollection services)
    {
        services.AddSingleton<RetryRecords>();
        services.AddHostedService<CountQuarantine>();
        return services;
    }

    public static void MapQuarantine(this WebApplication app)
    {
        RouteGroupBuilder quarantine = app.MapGroup("/api/v1/quarantine");
        ReadQuarantine.Map(quarantine);
        RetryQuarantined.Map(quarantine);
        DismissQuarantined.Map(quarantine);
    }
}
