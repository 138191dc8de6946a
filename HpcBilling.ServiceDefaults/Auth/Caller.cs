using System.Security.Claims;
using HpcBilling.ServiceDefaults.Auditing;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Who is asking, taken from the validated token and from nowhere else.</summary>
/// <param name="OrgId">Tenant of the token.</param>
/// <param name="UserId">Subject of the token.</param>
/// <param name="Username">Unix name; owner of usage and receipts.</param>
/// <param name="IsAdmin">Role <c>admin</c>.</param>
/// <param name="SessionId">Browser session, when there is one.</param>
/// <param name="IpAddress">Client address as the gateway saw it.</param>
public sealed record Caller(Guid OrgId, Guid UserId, string Username, bool IsAdmin, string? SessionId, string? IpAddress)
{
    /// <summary>Binds a handler's parameter; only endpoints behind a policy may ask for one.</summary>
    /// <exception cref="BadHttpRequestException">403: a machine client's token, which stands for no user.</exception>
    public static ValueTask<Caller> BindAsync(HttpContext context) => StandsForUser(context.User)
        ? ValueTask.FromResult(From(context))
        : throw new BadHttpRequestException("This is for people, and the token stands for a program.", StatusCodes.Status403Forbidden);

    public static Caller From(HttpContext context)
    {
        ClaimsPrincipal user = context.User;
        return new Caller(
            Guid.Parse(Required(user, Claims.OrgId)),
            Guid.Parse(Required(user, Claims.Subject)),
            Required(user, Claims.Username),
            user.HasClaim(Claims.Role, "admin"),
            user.FindFirst(Claims.Session)?.Value,
            context.Connection.RemoteIpAddress?.ToString());
    }

    /// <summary>What this caller did, for the audit log.</summary>
    public AuditAct Act(string action, string subject, IReadOnlyDictionary<string, string>? details = null) =>
        new(Username, action, subject, details, IpAddress);

    private static bool StandsForUser(ClaimsPrincipal user) =>
        user.HasClaim(claim => claim.Type == Claims.Username)
        && Guid.TryParse(user.FindFirst(Claims.Subject)?.Value, out _) && Guid.TryParse(user.FindFirst(Claims.OrgId)?.Value, out _);

    private static string Required(ClaimsPrincipal user, string claim) =>
        user.FindFirst(claim)?.Value ?? throw new InvalidOperationException($"The token has no claim '{claim}'; the endpoint lacks a policy.");
}
