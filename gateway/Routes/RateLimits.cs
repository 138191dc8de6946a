using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using HpcBilling.Gateway.Errors;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Routes;

/// <summary>Requests per minute and client address: one limit for everything, narrower ones for sign-ins and webhooks.</summary>
internal static class RateLimits
{
    public const string Login = "login";
    public const string Webhook = "webhook";
    private const int WindowSeconds = 60;

    public static WebApplicationBuilder AddRateLimits(this WebApplicationBuilder builder)
    {
        builder.Services.AddRateLimiter(_ => { });
        builder.Services.AddOptions<RateLimiterOptions>().Configure<IOptions<GatewayOptions>>((limiter, options) =>
        {
            RateLimitOptions limits = options.Value.RateLimits;
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => PerMinute(context, limits.GeneralPerMinute));
            limiter.AddPolicy(Webhook, context => PerMinute(context, limits.WebhookPerMinute));

            // Looking at the form is free, sending it is not.
            limiter.AddPolicy(Login, context => HttpMethods.IsPost(context.Request.Method)
                ? PerMinute(context, limits.LoginPerMinute)
                : RateLimitPartition.GetNoLimiter("get"));
            limiter.OnRejected = RejectAsync;
        });
        return builder;
    }

    private static RateLimitPartition<string> PerMinute(HttpContext context, int permits) => RateLimitPartition.GetFixedWindowLimiter(
        Partition(context.Connection.RemoteIpAddress),
        _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = TimeSpan.FromSeconds(WindowSeconds), QueueLimit = 0 });

    private static async ValueTask RejectAsync(OnRejectedContext rejected, CancellationToken cancellation)
    {
        TimeSpan wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan known) ? known : TimeSpan.FromSeconds(WindowSeconds);
        HttpContext context = rejected.HttpContext;
        context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        await context.RequestServices.GetRequiredService<Refusal>()
            .WriteAsync(context, StatusCodes.Status429TooManyRequests, "Too many requests from this address.");
    }

    // One customer of an IPv6 provider has a whole /64 to send from.
    private static string Partition(IPAddress? address) => address switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };
}
