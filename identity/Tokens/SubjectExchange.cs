using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Tokens;

/// <summary>What a user presented to the gateway, a session or a personal access token, becomes a signed access token.</summary>
internal sealed class SubjectExchange(Database database, AccessTokens tokens, IOptions<IdentityOptions> options, TimeProvider clock)
{
    public const string SessionType = "urn:hpcbilling:token-type:session";
    public const string PersonalAccessTokenType = "urn:hpcbilling:token-type:pat";

    // Seen once a minute is exact enough for an idle time of half an hour, and spares a write per page.
    private static readonly TimeSpan TouchInterval = TimeSpan.FromMinutes(1);

    private const string SessionSql = """
        SELECT session_id, org_id, user_id, last_seen_at, expires_at FROM sessions
        WHERE secret_hash = @Hash AND revoked_at IS NULL AND expires_at > @Now AND last_seen_at > @IdleSince
        """;

    private const string TouchSessionSql = """
        UPDATE sessions SET last_seen_at = @Now WHERE org_id = @OrgId AND session_id = @SessionId AND last_seen_at < @TouchBefore
        """;

    private const string TokenSql = """
        SELECT token_id, org_id, user_id, array_to_string(scopes, ' ') AS scope, expires_at FROM access_tokens
        WHERE secret_hash = @Hash AND revoked_at IS NULL AND expires_at > @Now
        """;

    private const string TouchTokenSql = """
        UPDATE access_tokens SET last_used_at = @Now
        WHERE org_id = @OrgId AND token_id = @TokenId AND (last_used_at IS NULL OR last_used_at < @TouchBefore)
        """;

    /// <returns>Null when it is unknown, expired or revoked, or its account is disabled.</returns>
    public async Task<IssuedToken?> RunAsync(string type, string credential, CancellationToken cancellation)
    {
        if (credential.Length is 0 or > Credential.CharactersMax) return null;
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        IssuedToken? issued = type switch
        {
            SessionType => await FromSessionAsync(tx, Credential.Hash(credential), cancellation),
            PersonalAccessTokenType => await FromTokenAsync(tx, Credential.Hash(credential), cancellation),
            _ => null,
        };
        await tx.CommitAsync(cancellation);
        return issued;
    }

    private async Task<IssuedToken?> FromSessionAsync(OrgTransaction tx, byte[] hash, CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        var parameters = new { Hash = hash, Now = now, IdleSince = now - options.Value.SessionIdle };
        if (await tx.QuerySingleOrDefaultAsync<SessionRow>(SessionSql, parameters, cancellation) is not { } session) return null;
        if (await ActiveAsync(tx, session.OrgId, session.UserId, cancellation) is not { } account) return null;

        var touch = new { session.OrgId, session.SessionId, Now = now, TouchBefore = now - TouchInterval };
        await tx.ExecuteAsync(TouchSessionSql, touch, cancellation);
        if (options.Value.MustEnrol(account)) return tokens.ForEnrolment(session.OrgId, account, session.SessionId, session.ExpiresAt);
        var user = new TokenUser(session.OrgId, account.UserId, account.Username, account.Role, Scopes.Of(account.Role), session.SessionId);
        return tokens.ForUser(user, session.ExpiresAt);
    }

    private async Task<IssuedToken?> FromTokenAsync(OrgTransaction tx, byte[] hash, CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (await tx.QuerySingleOrDefaultAsync<TokenRow>(TokenSql, new { Hash = hash, Now = now }, cancellation) is not { } token) return null;
        if (await ActiveAsync(tx, token.OrgId, token.UserId, cancellation) is not { } account) return null;

        await tx.ExecuteAsync(TouchTokenSql, new { token.OrgId, token.TokenId, Now = now, TouchBefore = now - TouchInterval }, cancellation);
        IReadOnlyList<string> scopes = Scopes.Granted(account.Role, token.Scope.Split(' '));
        return tokens.ForUser(new TokenUser(token.OrgId, account.UserId, account.Username, account.Role, scopes, SessionId: null), token.ExpiresAt);
    }

    private static async Task<Account?> ActiveAsync(OrgTransaction tx, Guid orgId, Guid userId, CancellationToken cancellation)
    {
        await tx.EnterOrgAsync(orgId, cancellation);
        return await Account.FindAsync(tx, userId, cancellation) is { Status: AccountStatus.Active } account ? account : null;
    }

    private sealed record SessionRow(Guid SessionId, Guid OrgId, Guid UserId, DateTimeOffset LastSeenAt, DateTimeOffset ExpiresAt);

    private sealed record TokenRow(Guid TokenId, Guid OrgId, Guid UserId, string Scope, DateTimeOffset ExpiresAt);
}
