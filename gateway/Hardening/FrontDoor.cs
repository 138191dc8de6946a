using System.Collections.Frozen;
using System.Net;
using HpcBilling.Gateway.Errors;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Hardening;

/// <summary>
/// Plain HTTP leads to HTTPS and, for neighbours alone, to the gateway's health; HTTPS shows no health. Upgrades are not offered, nor
/// methods that nothing behind the door knows.
/// </summary>
internal sealed class FrontDoor(RequestDelegate next, IOptions<GatewayOptions> options, Refusal refusal)
{
    private const int HttpsDefaultPort = 443;
    private const string Methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    private static readonly FrozenSet<string> KnownMethods = Methods.Split(", ").ToFrozenSet(StringComparer.Ordinal);
    private readonly IReadOnlyList<IPNetwork> healthNetworks = options.Value.HealthIPNetworks;

    public Task InvokeAsync(HttpContext context)
    {
        if (!KnownMethods.Contains(context.Request.Method))
        {
            context.Response.Headers.Allow = Methods;
            return refusal.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "");
        }

        bool asksHealth = context.Request.Path.Value is "/healthz" or "/readyz";
        if (!context.Request.IsHttps)
        {
            if (asksHealth && IsNeighbour(context.Connection.RemoteIpAddress)) return next(context);
            Redirect(context);
            return Task.CompletedTask;
        }

        if (asksHealth) return refusal.WriteAsync(context, StatusCodes.Status404NotFound, "");
        bool upgrade = context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            || context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
        return upgrade ? refusal.WriteAsync(context, StatusCodes.Status400BadRequest, "Upgrades are not offered.") : next(context);
    }

    private bool IsNeighbour(IPAddress? address) =>
        address is not null && (IPAddress.IsLoopback(address) || healthNetworks.Any(network => network.Contains(address)));

    // 308 keeps method and body. The host is the one asked for; AllowedHosts says which are ours.
    private void Redirect(HttpContext context)
    {
        HttpRequest request = context.Request;
        int port = options.Value.HttpsPort;
        HostString host = port == HttpsDefaultPort ? new HostString(request.Host.Host) : new HostString(request.Host.Host, port);
        context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        context.Response.Headers.Location = $"https://{host.ToUriComponent()}{request.PathBase.ToUriComponent()}{request.Path.ToUriComponent()}{request.QueryString.ToUriComponent()}";
    }
}
