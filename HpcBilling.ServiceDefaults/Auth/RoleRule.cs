using System.Text.Json;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Gives a role to tokens in which a claim has a value, such as <c>realm_access.roles</c> = <c>hpc-admin</c>.</summary>
public sealed class RoleRule
{
    /// <summary>Name of a claim, or the way to it through objects, with dots.</summary>
    public string Claim { get; set; } = "";

    /// <summary>The claim's value, or one of its values.</summary>
    public string Value { get; set; } = "";

    /// <summary><c>user</c> or <c>admin</c>.</summary>
    public string Role { get; set; } = RoleScopes.Admin;

    /// <summary>Role of the first rule that holds for these claims; <c>user</c> without one.</summary>
    public static string RoleOf(IEnumerable<RoleRule> rules, JsonElement claims) =>
        rules.FirstOrDefault(rule => ClaimPath.Values(claims, rule.Claim).Contains(rule.Value, StringComparer.Ordinal))?.Role ?? RoleScopes.User;

    /// <summary>What is wrong with it, each with its key below <paramref name="section"/>.</summary>
    public IEnumerable<string> Faults(string section)
    {
        if (Claim.Length == 0) yield return $"{section}:Claim is missing";
        if (Value.Length == 0) yield return $"{section}:Value is missing";
        if (Role is not (RoleScopes.User or RoleScopes.Admin)) yield return $"{section}:Role must be user or admin";
    }
}
