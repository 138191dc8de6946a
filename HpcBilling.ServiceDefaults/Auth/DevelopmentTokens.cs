using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>HS256 tokens of <c>hpcb dev-token</c>: for local use, an hour at most, and only where <c>Auth:DevelopmentSecret</c> is set.</summary>
internal static class DevelopmentTokens
{
    public const string Scheme = "development";
    public const string Issuer = "urn:hpcbilling:development";
    public const string Audience = "hpcbilling";
    private const int MinutesMax = 60;

    public static void Configure(JwtBearerOptions bearer, string secret)
    {
        bearer.TokenValidationParameters.ValidIssuer = Issuer;
        bearer.TokenValidationParameters.ValidAudience = Audience;
        bearer.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.HmacSha256];
        bearer.TokenValidationParameters.TryAllIssuerSigningKeys = true; // there is one, and it has no name
        bearer.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret));
        bearer.Events = new JwtBearerEvents { OnTokenValidated = TakeOver };
    }

    private static Task TakeOver(TokenValidatedContext context)
    {
        var token = (JsonWebToken)context.SecurityToken;
        if (!token.TryGetPayloadValue(JwtRegisteredClaimNames.Iat, out long _) || token.ValidTo - token.IssuedAt > TimeSpan.FromMinutes(MinutesMax))
        {
            context.Fail($"A development token has iat and lives {MinutesMax} minutes at most.");
            return Task.CompletedTask;
        }

        // What the token says counts, as with a token of identity; its scopes follow from the role unless it names some.
        ClaimsPrincipal said = context.Principal!;
        string role = said.FindFirst(Claims.Role)?.Value ?? "";
        if (Guid.TryParse(said.FindFirst(Claims.Subject)?.Value, out Guid subject) && Guid.TryParse(said.FindFirst(Claims.OrgId)?.Value, out Guid org)
            && said.FindFirst(Claims.Username)?.Value is { Length: > 0 } username && role is RoleScopes.User or RoleScopes.Admin)
        {
            string[] named = said.FindFirst(Claims.Scope)?.Value.Split(' ') ?? [];
            context.Principal = new ClaimsPrincipal(OutsideIdentity.Identity(subject, username, org, role, RoleScopes.OfStranger(role, named)));
        }
        else
        {
            context.Fail("A development token needs sub and org_id (UUIDs), preferred_username, and role user or admin.");
        }

        return Task.CompletedTask;
    }
}
