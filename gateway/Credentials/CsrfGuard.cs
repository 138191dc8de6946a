using HpcBilling.Gateway.Errors;
using HpcBilling.Gateway.Routes;
using Microsoft.AspNetCore.Antiforgery;

namespace HpcBilling.Gateway.Credentials;

/// <summary>
/// A browser sends the session cookie by itself, also for a stranger's page: an unsafe call of the API with it must carry the
/// antiforgery header as well. Pages check the field of their forms themselves. What a browser says comes from another site goes no
/// further in either case.
/// </summary>
internal sealed class CsrfGuard(RequestDelegate next, IAntiforgery antiforgery, Refusal refusal)
{
    public const string Header = "X-CSRF-Token";
    private const int HttpsPort = 443;

    public async Task InvokeAsync(HttpContext context)
    {
        RouteKind kind = context.PublicRoute().Kind;
        bool byBrowser = kind is RouteKind.Page or RouteKind.SignedInPage or RouteKind.Api
            && context.Features.Get<PresentedCredential>() is PresentedCredential.None or PresentedCredential.Exchangeable { IsSession: true };
        if (byBrowser && !IsSafe(context.Request.Method) && await FaultAsync(context, kind) is { } fault)
        {
            await refusal.WriteAsync(context, StatusCodes.Status400BadRequest, fault + " Nothing was changed. Load the page again and repeat the step.");
            return;
        }

        await next(context);
    }

    private async Task<string?> FaultAsync(HttpContext context, RouteKind kind)
    {
        if (ComesFromElsewhere(context.Request)) return "This was sent by a page of another site.";
        if (kind != RouteKind.Api || context.User.Identity is not { IsAuthenticated: true }) return null;
        bool valid = context.Request.Headers.ContainsKey(Header) && await antiforgery.IsRequestValidAsync(context);
        return valid ? null : $"The header {Header} is missing, too old, or does not belong to this session.";
    }

    private static bool ComesFromElsewhere(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] is ["cross-site"]) return true;
        string? origin = request.Headers.Origin;
        if (string.IsNullOrEmpty(origin)) return false;
        return !Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttps
            || !uri.IdnHost.Equals(request.Host.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase) || uri.Port != (request.Host.Port ?? HttpsPort);
    }

    private static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);
}
