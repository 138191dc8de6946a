namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>What each role may do: identity writes it into its tokens, and services read it for tokens of outside issuers.</summary>
public static class RoleScopes
{
    public const string User = "user";
    public const string Admin = "admin";

    private static readonly string[] OfUser = ["usage.read", "receipts.read", "receipts.write", "payments.write"];
    private static readonly string[] OfAdmin = [.. OfUser, "usage.write", "tariffs.write", "audit.read", "users.write", "keys.write"];

    /// <summary>What services of ours may ask each other; no role has it.</summary>
    public static IReadOnlyList<string> OfServices { get; } = ["runs.classify"];

    /// <summary>Every scope that a person's token can carry.</summary>
    public static IReadOnlyList<string> All => OfAdmin;

    public static IReadOnlyList<string> Of(string role) => role == Admin ? OfAdmin : OfUser;

    /// <summary>What a token that names these scopes may do: a demoted admin's token loses what the role lost.</summary>
    public static IReadOnlyList<string> Granted(string role, IEnumerable<string> asked) => [.. Of(role).Intersect(asked, StringComparer.Ordinal)];

    /// <summary>What a stranger's token may do: all of its role, unless it names scopes of ours; <c>openid</c> and the like say nothing about them.</summary>
    public static IReadOnlyList<string> OfStranger(string role, IEnumerable<string> named)
    {
        string[] ours = [.. OfAdmin.Intersect(named, StringComparer.Ordinal)];
        return ours.Length == 0 ? Of(role) : Granted(role, ours);
    }
}
