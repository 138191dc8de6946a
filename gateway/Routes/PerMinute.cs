using System.Globalization;
using System.Threading.RateLimiting;
using HpcBilling.Gateway.Errors;
using HpcBilling.Gateway.Hardening;
using Microsoft.AspNetCore.RateLimiting;

namespace HpcBilling.Gateway.Routes;

/// <summary>So many of something per minute and client address; who has more is told how many and when.</summary>
/// <param name="what">In the plural, as the refusal says it.</param>
/// <param name="permits">How many.</param>
/// <param name="counts">Which requests count; null for all.</param>
internal sealed class PerMinute(string what, int permits, Func<HttpRequest, bool>? counts = null) : IRateLimiterPolicy<string>
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    public Func<OnRejectedContext, CancellationToken, ValueTask> OnRejected => RejectAsync;

    public RateLimitPartition<string> GetPartition(HttpContext httpContext) => counts?.Invoke(httpContext.Request) == false
        ? RateLimitPartition.GetNoLimiter("")
        : RateLimitPartition.GetFixedWindowLimiter(
            ClientNetwork.Of(httpContext.Connection.RemoteIpAddress),
            _ => new FixedWindowRateLimiterOptions { PermitLimit = permits, Window = Window, QueueLimit = 0 });

    public PartitionedRateLimiter<HttpContext> Limiter() => PartitionedRateLimiter.Create<HttpContext, string>(GetPartition);

    private async ValueTask RejectAsync(OnRejectedContext rejected, CancellationToken cancellation)
    {
        TimeSpan wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan known) ? known : Window;
        string seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        HttpContext context = rejected.HttpContext;
        context.Response.Headers.RetryAfter = seconds;
        string detail = string.Create(CultureInfo.InvariantCulture, $"Too many {what} from this address: {permits} a minute are allowed. Try again in {seconds} s.");
        await context.RequestServices.GetRequiredService<Refusal>().WriteAsync(context, StatusCodes.Status429TooManyRequests, detail);
    }
}
