using System.Security.Claims;
using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Identity.Sessions;

/// <summary>The session behind a request of a browser.</summary>
internal static class BrowserSession
{
    /// <summary>
    /// Stands in place of <see cref="Claims.Session"/> in the tokens of a session that is good for setting up a second factor alone, so that
    /// whatever asks for a session refuses it.
    /// </summary>
    public const string EnrolmentClaim = "enrolment_sid";

    public static Guid? Of(ClaimsPrincipal user) =>
        Guid.TryParse((user.FindFirst(Claims.Session) ?? user.FindFirst(EnrolmentClaim))?.Value, out Guid session) ? session : null;

    public static bool IsForEnrolment(ClaimsPrincipal user) => user.HasClaim(claim => claim.Type == EnrolmentClaim);
}
