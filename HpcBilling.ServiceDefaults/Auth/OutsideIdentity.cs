using System.Security.Claims;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>
/// Reads a validated token of an outside issuer in our words. Nothing of it is taken over as it stands: a claim that means one thing there and
/// another here, such as <c>sid</c> or <c>role</c>, does not get through.
/// </summary>
public static partial class OutsideIdentity
{
    private static readonly string[] OrgClaims = ["app_metadata.org_id", "org_id"];

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex UsernamePattern { get; }

    /// <returns>The caller, or why the token stands for none.</returns>
    public static (ClaimsIdentity? Identity, string? Refusal) Read(JsonWebToken token, OutsideIssuerOptions issuer)
    {
        using JsonDocument payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload));
        JsonElement claims = payload.RootElement;
        if (string.IsNullOrEmpty(token.Subject)) return (null, "The token has no subject.");
        if (ClaimPath.Value(claims, issuer.UsernameClaim) is not { } username || !UsernamePattern.IsMatch(username))
            return (null, $"The claim {issuer.UsernameClaim} holds no username.");
        if (OrgOf(claims, issuer) is not { } org) return (null, "The token is of no org that its issuer may speak for.");

        string role = RoleRule.RoleOf(issuer.RoleRules, claims);
        string[] named = [.. ClaimPath.Values(claims, Claims.Scope).SelectMany(scopes => scopes.Split(' '))];
        return (Identity(SubjectId.Of(token.Issuer, token.Subject), username, org, role, RoleScopes.OfStranger(role, named)), null);
    }

    internal static ClaimsIdentity Identity(Guid subject, string username, Guid org, string role, IEnumerable<string> scopes) => new(
        [
            new Claim(Claims.Subject, subject.ToString()), new Claim(Claims.Username, username), new Claim(Claims.OrgId, org.ToString()),
            new Claim(Claims.Role, role), new Claim(Claims.Scope, string.Join(' ', scopes)),
        ],
        "outside issuer", Claims.Username, Claims.Role);

    // The first of the claims that is there decides: a token cannot fall back to another when it names an org that is not allowed.
    private static Guid? OrgOf(JsonElement claims, OutsideIssuerOptions issuer)
    {
        if (issuer.OrgId is { } only) return only;
        string[] places = issuer.OrgClaim is { } own ? [OrgClaims[0], own, OrgClaims[1]] : OrgClaims;
        string? named = places.Select(place => ClaimPath.Value(claims, place)).FirstOrDefault(value => value is not null);
        return issuer.Orgs.FirstOrDefault(org => org.ValueInForce == named)?.Id;
    }
}
