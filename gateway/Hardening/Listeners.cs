using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Hardening;

/// <summary>What a connection may be and take. Addresses come from <c>ASPNETCORE_URLS</c>.</summary>
internal static class Listeners
{
    public static WebApplicationBuilder AddListeners(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateDataAnnotations()
            .Validate(options => options.HealthNetworks.All(network => IPNetwork.TryParse(network, out _)), "Gateway:HealthNetworks must be networks in CIDR notation")
            .Validate(options => options.CheckoutOrigins.All(IsOrigin), "Gateway:CheckoutOrigins must be https origins")
            .ValidateOnStart();
        builder.Services.AddOptions<LimitOptions>().BindConfiguration(LimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<GatewayMetrics>().AddSingleton<ConnectionsPerAddress>();
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IOptions<LimitOptions>, ConnectionsPerAddress>((kestrel, limits, connections) =>
        {
            Bound(kestrel.Limits, limits.Value);
            kestrel.ConfigureEndpointDefaults(listen => listen.Use(next => connection => connections.OnConnectionAsync(connection, next)));
        });
        builder.AddTls();
        return builder;
    }

    private static void Bound(KestrelServerLimits kestrel, LimitOptions limits)
    {
        kestrel.MaxConcurrentConnections = limits.ConnectionsMax;
        kestrel.RequestHeadersTimeout = TimeSpan.FromSeconds(limits.HeaderSecondsMax);
        kestrel.KeepAliveTimeout = TimeSpan.FromSeconds(limits.IdleSecondsMax);
        kestrel.MaxRequestLineSize = limits.RequestLineBytesMax;
        kestrel.MaxRequestHeaderCount = limits.HeadersMax;
        kestrel.MaxRequestHeadersTotalSize = limits.HeaderBytesMax;
        kestrel.MaxRequestBodySize = limits.BodyBytesMax; // routes that need more say so
        kestrel.Http2.MaxStreamsPerConnection = limits.StreamsPerConnectionMax;
        kestrel.Http2.MaxRequestHeaderFieldSize = limits.HeaderBytesMax;

        // Whoever is slower than this holds a connection, and a service's too, and gives nothing for it.
        var rate = new MinDataRate(limits.BytesPerSecondMin, TimeSpan.FromSeconds(limits.SlowSecondsMax));
        kestrel.MinRequestBodyDataRate = rate;
        kestrel.MinResponseDataRate = rate;
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps && text == uri.GetLeftPart(UriPartial.Authority);
}
