using HpcBilling.Gateway.Errors;
using HpcBilling.Gateway.Revocation;
using HpcBilling.Gateway.Routes;
using Microsoft.AspNetCore.Http.Features;

namespace HpcBilling.Gateway.Credentials;

/// <summary>Turns what a client showed into the signed token that the service behind the route checks, or answers for it.</summary>
internal sealed class Doorkeeper(RequestDelegate next, TokenCache tokens, Revocations revocations, Refusal refusal)
{
    public async Task InvokeAsync(HttpContext context)
    {
        PublicRoute route = context.PublicRoute();
        switch (route.Kind, context.Features.GetRequiredFeature<PresentedCredential>())
        {
            case (RouteKind.Anonymous, _):
            case (RouteKind.OAuth, PresentedCredential.Exchangeable { IsSession: true }):
                await next(context);
                break;
            case (_, PresentedCredential.ForService own) when own.IsBearer || route.Kind == RouteKind.OAuth:
                context.Request.Headers.Authorization = own.Header;
                await next(context);
                break;
            case (_, PresentedCredential.Exchangeable credential):
                await ExchangeAsync(context, route, credential);
                break;
            default:
                await WithoutCredentialAsync(context, route);
                break;
        }
    }

    private async Task ExchangeAsync(HttpContext context, PublicRoute route, PresentedCredential.Exchangeable credential)
    {
        switch (await tokens.FindAsync(credential, context.RequestAborted))
        {
            case ExchangeOutcome.Granted { Token: var token } when token.Audiences.Contains(route.Service):
                context.Request.Headers.Authorization = "Bearer " + token.Text;
                context.User = token.Principal();
                context.Response.OnStarting(() => ForgetEndedSession(context.Response, token.Subject));
                await next(context);
                break;
            case ExchangeOutcome.Granted { Token: var token } when credential.IsSession && token.Audiences is ["identity"] && Visitor.IsBrowser(context.Request):
                // A session for identity alone has something to settle there first.
                context.Response.StatusCode = StatusCodes.Status303SeeOther;
                context.Response.Headers.Location = "/account/second-factor";
                break;
            case ExchangeOutcome.Granted:
                await refusal.WriteAsync(context, StatusCodes.Status403Forbidden, "This part of the site is not open to your account.");
                break;
            case ExchangeOutcome.Refused when credential.IsSession:
                await WithoutCredentialAsync(context, route); // a stale cookie is no sign of ill will
                break;
            case ExchangeOutcome.Refused:
                context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
                await refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, "The access token is unknown, expired or revoked.");
                break;
            default:
                context.Response.Headers.RetryAfter = "5";
                await refusal.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Sign-in is not available at the moment.");
                break;
        }
    }

    private Task WithoutCredentialAsync(HttpContext context, PublicRoute route)
    {
        if (route.Kind != RouteKind.SignedInPage) return next(context);
        if (!Visitor.IsBrowser(context.Request)) return refusal.WriteAsync(context, StatusCodes.Status401Unauthorized, "Sign in first.");

        // After a form that was sent without a session, its page is a better place to return to than its address.
        string target = HttpMethods.IsGet(context.Request.Method) ? context.Request.Path + context.Request.QueryString.ToUriComponent() : "/";
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = "/login" + QueryString.Create("returnUrl", target);
        return Task.CompletedTask;
    }

    // Before the browser hears that its session has changed; other replicas learn it by the event.
    private Task ForgetEndedSession(HttpResponse response, string subject)
    {
        bool changed = response.Headers.SetCookie.Any(cookie => cookie?.StartsWith(PublicCookies.Session + "=", StringComparison.Ordinal) == true);
        if (changed) revocations.Revoke(subject);
        return Task.CompletedTask;
    }
}
