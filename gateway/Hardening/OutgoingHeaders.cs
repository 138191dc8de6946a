using System.Diagnostics;
using HpcBilling.Gateway.Credentials;
using HpcBilling.Gateway.Routes;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Model;

namespace HpcBilling.Gateway.Hardening;

/// <summary>Headers of every response, whoever made it: pages, files, errors, redirects. They overwrite what a service said.</summary>
internal sealed class OutgoingHeaders(RequestDelegate next, IOptions<GatewayOptions> options)
{
    // A service neither opens the site to others nor sends reports about it elsewhere.
    private static readonly string[] NotForServices =
    [
        HeaderNames.Server, HeaderNames.XPoweredBy, "X-AspNet-Version", HeaderNames.ContentSecurityPolicy, HeaderNames.ContentSecurityPolicyReportOnly,
        HeaderNames.AccessControlAllowOrigin, HeaderNames.AccessControlAllowCredentials, HeaderNames.AccessControlAllowHeaders, HeaderNames.AccessControlAllowMethods,
        HeaderNames.AccessControlExposeHeaders, HeaderNames.AccessControlMaxAge, HeaderNames.AltSvc, "Report-To", "NEL", "Service-Worker-Allowed",
    ];

    private readonly string policyHeader = options.Value.ContentSecurityPolicyReportOnly ? HeaderNames.ContentSecurityPolicyReportOnly : HeaderNames.ContentSecurityPolicy;
    private readonly string policy =
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; object-src 'none'; "
        + string.Join(' ', ["form-action 'self'", .. options.Value.CheckoutOrigins])
        + $"; report-uri {ContentSecurityReports.Path}; report-to {ContentSecurityReports.Endpoint}";

    public Task InvokeAsync(HttpContext context)
    {
        string trace = Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
        context.Response.OnStarting(() =>
        {
            Write(context, trace);
            return Task.CompletedTask;
        });
        return next(context);
    }

    private void Write(HttpContext context, string trace)
    {
        IHeaderDictionary headers = context.Response.Headers;
        foreach (string name in NotForServices) headers.Remove(name);
        headers[policyHeader] = policy;
        headers["Reporting-Endpoints"] = $"{ContentSecurityReports.Endpoint}=\"{ContentSecurityReports.Path}\"";
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains; preload";
        headers["Referrer-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["X-Request-Id"] = trace;
        if (headers.SetCookie.Count > 0) headers.SetCookie = Allowed(context, headers.SetCookie);

        // What was made for one caller is not for a cache, unless the service said how.
        bool personal = context.User.Identity is { IsAuthenticated: true };
        if (personal && headers.CacheControl.Count == 0 && headers.ETag.Count == 0) headers.CacheControl = "no-store";
    }

    // Identity alone sets sessions; no service sets a cookie that the site does not declare.
    private static StringValues Allowed(HttpContext context, StringValues cookies)
    {
        string service = context.Features.Get<IReverseProxyFeature>() is null ? "" : context.PublicRoute().Service;
        return new StringValues([.. cookies.Where(cookie => cookie?.Split('=', 2)[0] is { } name && PublicCookies.MaySet(service, name))]);
    }
}
