using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;

namespace HpcBilling.Gateway.Credentials;

/// <summary>A token that identity has just given over its own connection; its signature is for the services to check.</summary>
/// <param name="Text">The signed token.</param>
/// <param name="Issuer">Claim <c>iss</c>.</param>
/// <param name="Subject">Claim <c>sub</c>.</param>
/// <param name="Audiences">Services that it is for.</param>
internal sealed record AccessToken(string Text, string Issuer, string Subject, IReadOnlyList<string> Audiences)
{
    public static AccessToken Read(string text)
    {
        var token = new JsonWebToken(text);
        return new AccessToken(text, token.Issuer, token.Subject, [.. token.Audiences]);
    }

    public override string ToString() => Subject;

    /// <summary>As a service sees the caller, so that an antiforgery token bound to him there is valid here.</summary>
    public ClaimsPrincipal Principal() =>
        new(new ClaimsIdentity([new Claim(JwtRegisteredClaimNames.Sub, Subject, ClaimValueTypes.String, Issuer)], "token exchange"));
}
