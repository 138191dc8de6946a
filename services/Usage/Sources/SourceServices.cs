namespace HpcBilling.Usage.Sources;

internal static class SourceServices
{
    public static IServiceCollection AddSources(this IServiceCollection services)
    {
        services.AddSingleton<SourceRules>();
        services.AddSingleton<LoadSources>();
        services.AddSingleton<SettleSources>();
        services.AddHostedService<FollowSources>();
        return services;
    }

    public static void MapSources(this WebApplication app)
    {
        RouteGroupBuilder sources = app.MapGroup("/api/v1/sources");
        ListSources.Map(sources);
        CheckSource.Map(sources);
        WriteSources.Map(sources);
    }
}
