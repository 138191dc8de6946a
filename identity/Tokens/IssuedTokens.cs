using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>Looks up what we gave out, as it stands now: signed access tokens and personal access tokens.</summary>
internal sealed class IssuedTokens(
    Database database, SigningKeys keys, IOptions<IdentityOptions> options, IOptions<AuthOptions> auth, TimeProvider clock)
{
    private const int CharactersMax = 8 * 1024;
    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = CharactersMax };

    private const string IsRevokedSql = "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE token_id = @TokenId)";

    private const string SessionLivesSql = """
        SELECT EXISTS (SELECT 1 FROM sessions
                       WHERE org_id = @OrgId AND session_id = @SessionId AND revoked_at IS NULL AND expires_at > @Now AND last_seen_at > @IdleSince)
        """;

    private const string PersonalSql = """
        SELECT token_id, org_id, user_id, array_to_string(scopes, ' ') AS scope, created_at, expires_at FROM access_tokens
        WHERE secret_hash = @Hash AND revoked_at IS NULL AND expires_at > @Now
        """;

    /// <returns>The token when we signed it and it has not ended; whether it was called back is not asked.</returns>
    public async Task<JsonWebToken?> ReadAsync(string text)
    {
        if (text.Length is 0 or > CharactersMax) return null;
        TokenValidationResult result = await Handler.ValidateTokenAsync(text, new TokenValidationParameters
        {
            ValidIssuer = auth.Value.IssuerName,
            ValidateAudience = false, // the one who asks is not the one whom it is for; that is compared by the caller
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidTypes = [AccessTokens.TokenType],
            RequireExpirationTime = true,
            IssuerSigningKeys = keys.Published,
            TryAllIssuerSigningKeys = false,
            ClockSkew = TimeSpan.Zero,
        });
        return result.IsValid ? (JsonWebToken)result.SecurityToken : null;
    }

    /// <returns>Null unless it would be accepted right now and has not been called back with its session or its account.</returns>
    public async Task<ActiveToken?> FindActiveAsync(string text, CancellationToken cancellation)
    {
        if (Credential.IsPersonalAccessToken(text)) return await PersonalAsync(text, cancellation);
        return await ReadAsync(text) is { } token && await LivesAsync(token, cancellation) ? ActiveToken.Of(token) : null;
    }

    private async Task<bool> LivesAsync(JsonWebToken token, CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        if (!Guid.TryParse(token.Id, out Guid id) || await tx.ExecuteScalarAsync<bool>(IsRevokedSql, new { TokenId = id }, cancellation)) return false;
        if (!Guid.TryParse(token.Subject, out Guid userId)) return options.Value.Clients.Any(client => client.Id == token.Subject);

        await tx.EnterOrgAsync(Guid.Parse(token.GetClaim(Claims.OrgId).Value), cancellation);
        if (await Account.FindAsync(tx, userId, cancellation) is not { Status: AccountStatus.Active }) return false;
        if (!token.TryGetClaim(Claims.Session, out var session)) return true;
        var parameters = new { tx.OrgId, SessionId = Guid.Parse(session.Value), Now = now, IdleSince = now - options.Value.SessionIdle };
        return await tx.ExecuteScalarAsync<bool>(SessionLivesSql, parameters, cancellation);
    }

    private async Task<ActiveToken?> PersonalAsync(string text, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        var parameters = new { Hash = Credential.Hash(text), Now = clock.GetUtcNow() };
        if (await tx.QuerySingleOrDefaultAsync<PersonalRow>(PersonalSql, parameters, cancellation) is not { } row) return null;
        await tx.EnterOrgAsync(row.OrgId, cancellation);
        if (await Account.FindAsync(tx, row.UserId, cancellation) is not { Status: AccountStatus.Active } account) return null;
        string scope = string.Join(' ', Scopes.Granted(account.Role, row.Scope.Split(' ')));
        return new ActiveToken(
            row.TokenId.ToString(), account.UserId.ToString(), account.Username, ClientId: null, row.OrgId.ToString(), Word.Of(account.Role), scope,
            Scopes.AudienceOf(account.Role), row.CreatedAt.ToUnixTimeSeconds(), row.ExpiresAt.ToUnixTimeSeconds());
    }

    private sealed record PersonalRow(Guid TokenId, Guid OrgId, Guid UserId, string Scope, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);
}

/// <summary>A token that works, in the words of introspection. Times are Unix seconds.</summary>
internal sealed record ActiveToken(
    string Id, string Subject, string? Username, string? ClientId, string OrgId, string? Role, string Scope,
    IReadOnlyList<string> Audiences, long IssuedAt, long ExpiresAt)
{
    public static ActiveToken Of(JsonWebToken token) => new(
        token.Id, token.Subject, Claim(token, Claims.Username), Claim(token, Claims.ClientId), Claim(token, Claims.OrgId) ?? "", Claim(token, Claims.Role),
        Claim(token, Claims.Scope) ?? "", [.. token.Audiences], EpochTime.GetIntDate(token.IssuedAt), EpochTime.GetIntDate(token.ValidTo));

    private static string? Claim(JsonWebToken token, string name) => token.TryGetClaim(name, out var claim) ? claim.Value : null;
}
