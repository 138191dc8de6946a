using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Routes;

/// <summary>Requests per minute and client address: one limit for everything, narrower ones besides. Each replica of the gateway counts for itself.</summary>
internal static class RateLimits
{
    public const string Login = "login";
    public const string Webhook = "webhook";
    public const string ContentSecurityReport = "csp-report";

    public static WebApplicationBuilder AddRateLimits(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddRateLimiter(_ => { });
        builder.Services.AddOptions<RateLimiterOptions>().Configure<IOptions<RateLimitOptions>>((limiter, options) =>
        {
            RateLimitOptions limits = options.Value;
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.AddPolicy(Webhook, new PerMinute("webhook calls", limits.WebhookPerMinute));
            limiter.AddPolicy(ContentSecurityReport, new PerMinute("reports", limits.ContentSecurityReportPerMinute));

            // Looking at the form is free, sending it is not. The routes share what they count.
            limiter.AddPolicy(Login, new PerMinute("sign-ins", limits.LoginPerMinute, request => !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method)));
            var general = new PerMinute("requests", limits.GeneralPerMinute);
            limiter.GlobalLimiter = general.Limiter();
            limiter.OnRejected = general.OnRejected;
        });
        return builder;
    }
}
