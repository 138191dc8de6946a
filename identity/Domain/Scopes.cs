using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Identity.Domain;

/// <summary>What a role may do, and which services its tokens are for.</summary>
internal static class Scopes
{
    private static readonly string[] AudienceOfUser = ["portal", "usage", "rating", "payment", "identity"];
    private static readonly string[] AudienceOfAdmin = [.. AudienceOfUser, "admin", "audit"];

    public static IReadOnlyList<string> Of(Role role) => RoleScopes.Of(WordOf(role));

    public static IReadOnlyList<string> AudienceOf(Role role) => role == Role.Admin ? AudienceOfAdmin : AudienceOfUser;

    public static IReadOnlyList<string> Granted(Role role, IEnumerable<string> asked) => RoleScopes.Granted(WordOf(role), asked);

    private static string WordOf(Role role) => role == Role.Admin ? RoleScopes.Admin : RoleScopes.User;
}

/// <summary>Role of an account in its org; the words of the <c>role</c> claim in lower case.</summary>
internal enum Role
{
    User,
    Admin,
}
