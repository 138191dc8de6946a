using HpcBilling.Gateway.Credentials;
using HpcBilling.Gateway.Hardening;
using HpcBilling.ServiceDefaults.Startup;
using Yarp.ReverseProxy.Configuration;

namespace HpcBilling.Gateway.Routes;

/// <summary>The route table as YARP wants it; addresses from <c>services:{name}:http:{replica}</c>.</summary>
internal static class ReverseProxy
{
    public static WebApplicationBuilder AddRoutes(this WebApplicationBuilder builder)
    {
        foreach (string name in RouteTable.All.Select(route => route.Service).Distinct())
            builder.Require($"services:{name}:http:0", $"the address of the {name} service is not known");
        ClusterConfig[] clusters = [.. RouteTable.All.Select(route => route.Service).Distinct().Select(name => Cluster(name, builder.Configuration))];
        LimitOptions limits = builder.Configuration.GetSection(LimitOptions.Section).Get<LimitOptions>() ?? new LimitOptions();
        builder.Services.AddReverseProxy().LoadFromMemory([.. RouteTable.All.Select((route, index) => Route(route, index, limits))], clusters);
        builder.Services.AddRequestTimeouts();
        return builder;
    }

    public static WebApplication MapRoutes(this WebApplication app)
    {
        app.MapReverseProxy(proxy =>
        {
            proxy.UseMiddleware<IncomingHeaders>();
            proxy.UseMiddleware<Doorkeeper>();
            proxy.UseMiddleware<CsrfGuard>();
            proxy.UseLoadBalancing();
        });
        return app;
    }

    /// <summary>The table's entry that this request matched.</summary>
    public static PublicRoute PublicRoute(this HttpContext context) =>
        RouteTable.All[int.Parse(context.GetReverseProxyFeature().Route.Config.RouteId, System.Globalization.CultureInfo.InvariantCulture)];

    private static RouteConfig Route(PublicRoute route, int index, LimitOptions limits) => new()
    {
        RouteId = $"{index}",
        ClusterId = route.Service,
        Match = new RouteMatch { Path = route.Path },
        MaxRequestBodySize = route switch
        {
            { IsUpload: true } => limits.UploadBytesMax,
            { IsPageUpload: true } => limits.PageUploadBytesMax,
            _ => limits.BodyBytesMax,
        },
        Timeout = route.TimeMax,
        RateLimiterPolicy = route.RateLimit,
    };

    private static ClusterConfig Cluster(string service, ConfigurationManager configuration)
    {
        string?[] addresses = [.. configuration.GetSection($"services:{service}:http").GetChildren().Select(child => child.Value)];
        return new ClusterConfig
        {
            ClusterId = service,
            LoadBalancingPolicy = "PowerOfTwoChoices",
            Destinations = addresses.Select((address, index) => (address, index))
                .ToDictionary(replica => $"{service}-{replica.index}", replica => new DestinationConfig { Address = replica.address! }, StringComparer.Ordinal),
        };
    }
}
