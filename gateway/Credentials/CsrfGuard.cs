using HpcBilling.Gateway.Errors;
using HpcBilling.Gateway.Routes;
using Microsoft.AspNetCore.Antiforgery;

namespace HpcBilling.Gateway.Credentials;

/// <summary>
/// A browser sends the session cookie by itself, also for a stranger's page: an unsafe call of the API with it must carry the
/// antiforgery header as well. Pages check the field of their forms themselves.
/// </summary>
internal sealed class CsrfGuard(RequestDelegate next, IAntiforgery antiforgery, Refusal refusal)
{
    public const string Header = "X-CSRF-Token";

    public async Task InvokeAsync(HttpContext context)
    {
        bool bySession = context.User.Identity is { IsAuthenticated: true }
            && context.Features.Get<PresentedCredential>() is PresentedCredential.Exchangeable { IsSession: true };
        if (bySession && context.PublicRoute().Kind == RouteKind.Api && !await IsValidAsync(context))
        {
            await refusal.WriteAsync(context, StatusCodes.Status400BadRequest, $"The header {Header} is missing or does not belong to this session.");
            return;
        }

        await next(context);
    }

    private async Task<bool> IsValidAsync(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) || HttpMethods.IsOptions(context.Request.Method)
        || (context.Request.Headers.ContainsKey(Header) && await antiforgery.IsRequestValidAsync(context));
}
