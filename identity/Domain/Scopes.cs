namespace HpcBilling.Identity.Domain;

/// <summary>What a role may do, and which services its tokens are for.</summary>
internal static class Scopes
{
    private static readonly string[] OfUser = ["usage.read", "receipts.read", "receipts.write", "payments.write"];
    private static readonly string[] OfAdmin = [.. OfUser, "usage.write", "tariffs.write", "audit.read", "users.write"];
    private static readonly string[] AudienceOfUser = ["portal", "usage", "rating", "payment", "identity"];
    private static readonly string[] AudienceOfAdmin = [.. AudienceOfUser, "admin", "audit"];

    public static IReadOnlyList<string> Of(Role role) => role == Role.Admin ? OfAdmin : OfUser;

    public static IReadOnlyList<string> AudienceOf(Role role) => role == Role.Admin ? AudienceOfAdmin : AudienceOfUser;

    /// <summary>What a token that was once given these scopes may still do: a demoted admin's token loses what the role lost.</summary>
    public static IReadOnlyList<string> Granted(Role role, IEnumerable<string> asked) => [.. Of(role).Intersect(asked, StringComparer.Ordinal)];
}

/// <summary>Role of an account in its org; the words of the <c>role</c> claim in lower case.</summary>
internal enum Role
{
    User,
    Admin,
}
