using System.Security.Claims;

namespace HpcBilling.Ui;

/// <summary>Who is looking at the page, as far as a page needs to know; what he may do is decided by policies.</summary>
public static class Visitor
{
    public static bool IsSignedIn(this ClaimsPrincipal user) => user.Identity is { IsAuthenticated: true };

    /// <summary>Unix username; empty for a visitor without a session.</summary>
    public static string Username(this ClaimsPrincipal user) => user.FindFirst("preferred_username")?.Value ?? "";

    /// <summary>
    /// The <c>user</c> to ask rating for when only the visitor's own data is meant: an admin has to say so, since his default is everybody's;
    /// nobody else may name anyone.
    /// </summary>
    public static string? OwnOnly(this ClaimsPrincipal user) => user.IsAdmin() ? user.Username() : null;

    public static bool IsAdmin(this ClaimsPrincipal user) => user.HasClaim("role", "admin");
}
