using HpcBilling.Gateway.Routes;
using Microsoft.Net.Http.Headers;

namespace HpcBilling.Gateway.Credentials;

/// <summary>Takes from a request what a client must not say to a service; the proxy then states address, scheme and host itself.</summary>
internal sealed class IncomingHeaders(RequestDelegate next)
{
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-Original-", "X-Hpcb-"];
    private static readonly string[] Names =
    [
        "Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Remote-User", "True-Client-IP", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
        "X-Rewrite-URL", "X-Request-Id", "X-Correlation-Id", "Request-Id", "Correlation-Context", "traceparent", "tracestate", "baggage", "Proxy", "Proxy-Authorization",
    ];

    // Naming one of these in Connection would change what the request is.
    private static readonly string[] NotByConnection = [HeaderNames.Host, HeaderNames.ContentLength, HeaderNames.TransferEncoding, HeaderNames.Connection];

    public Task InvokeAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        foreach (string name in headers.GetCommaSeparatedValues(HeaderNames.Connection).Except(NotByConnection, StringComparer.OrdinalIgnoreCase)) headers.Remove(name);
        foreach (string name in headers.Keys.Where(IsForbidden).ToArray()) headers.Remove(name);

        // The session's secret stays here, and services are not shown cookies that are none of theirs.
        var presented = PresentedCredential.Of(context.Request);
        context.Features.Set(presented);
        string service = context.PublicRoute().Service;
        string[] cookies = [.. context.Request.Cookies.Where(cookie => PublicCookies.MayRead(service, cookie.Key)).Select(cookie => $"{cookie.Key}={cookie.Value}")];
        headers.Remove(HeaderNames.Authorization);
        headers.Remove(HeaderNames.Cookie);
        if (cookies.Length > 0) headers.Cookie = string.Join("; ", cookies);
        return next(context);
    }

    private static bool IsForbidden(string name) =>
        Array.Exists(Names, forbidden => forbidden.Equals(name, StringComparison.OrdinalIgnoreCase))
        || Array.Exists(Prefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
