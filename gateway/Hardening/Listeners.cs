using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace HpcBilling.Gateway.Hardening;

/// <summary>TLS and the bounds of a connection. Addresses come from <c>ASPNETCORE_URLS</c>, the certificate from <c>Kestrel:Certificates:Default</c>.</summary>
internal static class Listeners
{
    private const int ConnectionsMax = 10_000;
    private const long BodyBytesMax = 1024 * 1024; // routes that need more say so
    private const double BodyBytesPerSecondMin = 240;

    public static WebApplicationBuilder AddListeners(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateDataAnnotations()
            .Validate(options => options.HealthNetworks.All(network => System.Net.IPNetwork.TryParse(network, out _)), "Gateway:HealthNetworks must be networks in CIDR notation")
            .Validate(options => options.CheckoutOrigins.All(origin => Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && uri.Scheme == "https"), "Gateway:CheckoutOrigins must be https origins")
            .ValidateOnStart();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureHttpsDefaults(https => https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13);
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);

            // Whoever sends more slowly than this after the grace period is cut off: it holds a connection and gives nothing.
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(BodyBytesPerSecondMin, TimeSpan.FromSeconds(10));
        });
        return builder;
    }
}
