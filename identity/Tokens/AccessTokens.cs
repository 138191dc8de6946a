using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>Signs access tokens (RFC 9068, ES256).</summary>
internal sealed class AccessTokens(
    SigningKeys keys, IOptions<IdentityOptions> options, IOptions<AuthOptions> auth, TimeProvider clock)
{
    public const string TokenType = "at+jwt";
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <param name="user">In whose name.</param>
    /// <param name="endsAt">UTC; end of the session or personal access token, beyond which it must not reach.</param>
    public IssuedToken ForUser(TokenUser user, DateTimeOffset endsAt)
    {
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [Claims.Subject] = user.UserId.ToString(),
            [Claims.ClientId] = ClientAuthentication.GatewayId, // which exchanged what the user presented
            [Claims.Username] = user.Username,
            [Claims.OrgId] = user.OrgId.ToString(),
            [Claims.Role] = Word.Of(user.Role),
            [Claims.Scope] = string.Join(' ', user.Scopes),
        };
        if (user.SessionId is { } session) claims[Claims.Session] = session.ToString();
        return Sign(claims, Scopes.AudienceOf(user.Role), endsAt);
    }

    /// <summary>Of an admin who has yet to set up his second factor: without his role, a scope or a session, and for identity alone.</summary>
    public IssuedToken ForEnrolment(Guid orgId, Account account, Guid sessionId, DateTimeOffset endsAt)
    {
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [Claims.Subject] = account.UserId.ToString(),
            [Claims.ClientId] = ClientAuthentication.GatewayId,
            [Claims.Username] = account.Username,
            [Claims.OrgId] = orgId.ToString(),
            [Claims.Role] = Word.Of(Role.User),
            [Claims.Scope] = "",
            [BrowserSession.EnrolmentClaim] = sessionId.ToString(),
        };
        return Sign(claims, ["identity"], endsAt);
    }

    /// <param name="client">In its own name.</param>
    /// <param name="scopes">All of the client's or some of them.</param>
    /// <param name="orgId">For which org.</param>
    public IssuedToken ForClient(ClientOptions client, IReadOnlyList<string> scopes, Guid orgId)
    {
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [Claims.Subject] = client.Id,
            [Claims.ClientId] = client.Id,
            [Claims.OrgId] = orgId.ToString(),
            [Claims.Scope] = string.Join(' ', scopes),
        };
        return Sign(claims, client.Audiences, DateTimeOffset.MaxValue);
    }

    private IssuedToken Sign(Dictionary<string, object> claims, IReadOnlyList<string> audience, DateTimeOffset endsAt)
    {
        DateTimeOffset now = clock.GetUtcNow();
        DateTimeOffset expires = now.AddSeconds(options.Value.AccessTokenSeconds);
        if (endsAt < expires) expires = endsAt;
        claims[JwtRegisteredClaimNames.Jti] = Guid.CreateVersion7(now).ToString();
        var descriptor = new SecurityTokenDescriptor
        {
            Issuer = auth.Value.IssuerName,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = expires.UtcDateTime,
            Claims = claims,
            TokenType = TokenType,
            SigningCredentials = keys.Credentials,
        };
        foreach (string service in audience) descriptor.Audiences.Add(service);
        return new IssuedToken(Handler.CreateToken(descriptor), (int)(expires - now).TotalSeconds);
    }
}

/// <summary>Claims of a user's token.</summary>
internal sealed record TokenUser(Guid OrgId, Guid UserId, string Username, Role Role, IReadOnlyList<string> Scopes, Guid? SessionId);

/// <param name="Text">The signed token.</param>
/// <param name="LifetimeSeconds">From now on.</param>
internal sealed record IssuedToken(string Text, int LifetimeSeconds);
