using System.Security.Claims;
using HpcBilling.ServiceDefaults.Auditing;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Who is asking, taken from the validated token and from nowhere else.</summary>
/// <param name="OrgId">Tenant of the token.</param>
/// <param name="UserId">Subject of the token; for a program, an id of its name.</param>
/// <param name="Username">Unix name; owner of usage and receipts. For a program <c>client:name</c>, which is no Unix name and owns nothing.</param>
/// <param name="IsAdmin">Role <c>admin</c>.</param>
/// <param name="SessionId">Browser session, when there is one.</param>
/// <param name="IpAddress">Client address as the gateway saw it.</param>
public sealed record Caller(Guid OrgId, Guid UserId, string Username, bool IsAdmin, string? SessionId, string? IpAddress)
{
    private const string ProgramPrefix = "client:";

    /// <summary>Binds a handler's parameter; only endpoints behind a policy may ask for one.</summary>
    /// <exception cref="BadHttpRequestException">403: a token that stands for nobody that is known here.</exception>
    public static ValueTask<Caller> BindAsync(HttpContext context) => IsProgram(context.User) || StandsForUser(context.User)
        ? ValueTask.FromResult(From(context))
        : throw new BadHttpRequestException("The token says neither which person nor which program it stands for.", StatusCodes.Status403Forbidden);

    public static Caller From(HttpContext context)
    {
        ClaimsPrincipal user = context.User;
        if (IsProgram(user))
        {
            string client = Required(user, Claims.ClientId);
            return new Caller(
                Guid.Parse(Required(user, Claims.OrgId)), SubjectId.Of(ProgramPrefix, client), ProgramPrefix + client,
                IsAdmin: false, SessionId: null, context.Connection.RemoteIpAddress?.ToString());
        }

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

    /// <summary>A machine client in its own name: it has no role, so that only what is open to programs is open to it.</summary>
    internal static bool IsProgram(ClaimsPrincipal user) =>
        user.FindFirst(Claims.ClientId)?.Value is { Length: > 0 } client && user.HasClaim(Claims.Subject, client) && !user.HasClaim(claim => claim.Type == Claims.Role)
        && Guid.TryParse(user.FindFirst(Claims.OrgId)?.Value, out _);

    private static bool StandsForUser(ClaimsPrincipal user) =>
        user.HasClaim(claim => claim.Type == Claims.Username)
        && Guid.TryParse(user.FindFirst(Claims.Subject)?.Value, out _) && Guid.TryParse(user.FindFirst(Claims.OrgId)?.Value, out _);

    private static string Required(ClaimsPrincipal user, string claim) =>
        user.FindFirst(claim)?.Value ?? throw new InvalidOperationException($"The token has no claim '{claim}'; the endpoint lacks a policy.");
}
