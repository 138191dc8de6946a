using HpcBilling.Gateway.Routes;
using Microsoft.Net.Http.Headers;

namespace HpcBilling.Gateway.Credentials;

/// <summary>Takes from a request what a client must not say to a service; the proxy then states address, scheme and host itself.</summary>
internal sealed class IncomingHeaders(RequestDelegate next)
{
    private static readonly string[] Prefixes = ["X-Forwarded-", "X-Original-", "X-Hpcb-"];
    private static readonly string[] Names = ["Forwarded", "X-Real-IP", "X-HTTP-Method-Override", "X-Request-Id", "Proxy-Authorization"];

    public Task InvokeAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
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
