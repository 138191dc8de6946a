using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace HpcBilling.Identity.Sessions;

/// <summary>A session that is good for setting up a second factor alone is led there from every other page.</summary>
internal sealed class LeadToEnrolment : IAuthorizationMiddlewareResultHandler
{
    public const string Path = "/account/second-factor";

    private readonly AuthorizationMiddlewareResultHandler usual = new();

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        bool isPage = HttpMethods.IsGet(context.Request.Method) && !context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal);
        if (!authorizeResult.Forbidden || !isPage || !BrowserSession.IsForEnrolment(context.User))
            return usual.HandleAsync(next, context, policy, authorizeResult);
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = Path;
        return Task.CompletedTask;
    }
}
