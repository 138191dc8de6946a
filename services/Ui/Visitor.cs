using System.Security.Claims;

namespace HpcBilling.Ui;

/// <summary>Who is looking at the page, as far as a page needs to know; what he may do is decided by policies.</summary>
public static class Visitor
{
    public static bool IsSignedIn(this ClaimsPrincipal user) => user.Identity is { IsAuthenticated: true };

    /// <summary>Unix username; empty for a visitor without a session.</summary>
    public static string Username(this ClaimsPrincipal user) => user.FindFirst("preferred_username")?.Value ?? "";

    public static bool IsAdmin(this ClaimsPrincipal user) => user.HasClaim("role", "admin");
}
