using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Tokens;

/// <summary>A caller's own personal access tokens.</summary>
internal sealed class PersonalAccessTokens(Database database, TimeProvider clock)
{
    public const int DaysMax = 365;
    public const int NameCharactersMax = 100;

    /// <summary>Tokens that one user may have alive at a time.</summary>
    private const int AliveMax = 50;

    private const int ListMax = 200;

    private const string ListSql = """
        SELECT token_id, name, array_to_string(scopes, ' ') AS scope, created_at, expires_at, last_used_at, revoked_at FROM access_tokens
        WHERE org_id = @OrgId AND user_id = @UserId AND (revoked_at IS NULL OR revoked_at > @Since) AND expires_at > @Since
        ORDER BY created_at DESC
        LIMIT @ListMax
        """;

    // Counting and inserting are one statement; two at the same moment can exceed the bound by one, which harms nobody.
    private const string InsertSql = """
        INSERT INTO access_tokens (token_id, org_id, user_id, name, secret_hash, scopes, created_at, expires_at)
        SELECT @TokenId, @OrgId, @UserId, @Name, @Hash, @Scopes, @Now, @ExpiresAt
        WHERE (SELECT count(*) FROM access_tokens
               WHERE org_id = @OrgId AND user_id = @UserId AND revoked_at IS NULL AND expires_at > @Now) < @AliveMax
        """;

    private const string RevokeSql = """
        UPDATE access_tokens SET revoked_at = @Now
        WHERE org_id = @OrgId AND user_id = @UserId AND token_id = @TokenId AND revoked_at IS NULL
        """;

    /// <returns>Those alive, and those that ended within the last 30 days; newest first.</returns>
    public async Task<IReadOnlyList<TokenRow>> ListAsync(Caller caller, CancellationToken cancellation)
    {
        DateTimeOffset since = clock.GetUtcNow().AddDays(-30);
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        return await tx.QueryAsync<TokenRow>(ListSql, new { caller.OrgId, caller.UserId, Since = since, ListMax }, cancellation);
    }

    public async Task<CreateTokenOutcome> CreateAsync(Caller caller, NewToken wish, CancellationToken cancellation)
    {
        // A token that could make tokens would outlive its own end and widen its own scopes.
        if (caller.SessionId is null) return new CreateTokenOutcome.NeedsSession();
        string name = wish.Name?.Trim() ?? "";
        Role role = caller.IsAdmin ? Role.Admin : Role.User;
        string[] scopes = [.. (wish.Scopes ?? []).Distinct(StringComparer.Ordinal)];
        if (name.Length is 0 or > NameCharactersMax) return new CreateTokenOutcome.Invalid("name", $"must have 1 to {NameCharactersMax} characters");
        if (wish.Days is < 1 or > DaysMax) return new CreateTokenOutcome.Invalid("days", $"must be between 1 and {DaysMax}");
        if (scopes.Length == 0 || scopes.Except(Scopes.Of(role), StringComparer.Ordinal).Any())
            return new CreateTokenOutcome.Invalid("scopes", "must be one or more of: " + string.Join(' ', Scopes.Of(role)));

        string secret = Credential.NewPersonalAccessToken();
        DateTimeOffset now = clock.GetUtcNow();
        var row = new
        {
            TokenId = Guid.CreateVersion7(now),
            caller.OrgId,
            caller.UserId,
            Name = name,
            Hash = Credential.Hash(secret),
            Scopes = scopes,
            Now = now,
            ExpiresAt = now.AddDays(wish.Days),
            AliveMax,
        };
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        if (await tx.ExecuteAsync(InsertSql, row, cancellation) == 0)
            return new CreateTokenOutcome.Invalid("name", $"there are {AliveMax} tokens already; revoke one first");
        IReadOnlyDictionary<string, string> facts = Facts.Of(("name", name), ("scopes", string.Join(' ', scopes)), ("expiresAt", $"{row.ExpiresAt:O}"));
        await tx.AuditAsync(caller.Act("token.created", $"token:{row.TokenId}", facts), cancellation);
        await tx.CommitAsync(cancellation);
        return new CreateTokenOutcome.Created(row.TokenId, secret, name, scopes, row.ExpiresAt);
    }

    /// <returns>False when the caller has no such token alive.</returns>
    public async Task<bool> RevokeAsync(Caller caller, Guid tokenId, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        var parameters = new { caller.OrgId, caller.UserId, TokenId = tokenId, Now = clock.GetUtcNow() };
        if (await tx.ExecuteAsync(RevokeSql, parameters, cancellation) == 0) return false;
        await RevokeSessions.SayAsync(tx, caller.UserId, parameters.Now, cancellation);
        await tx.AuditAsync(caller.Act("token.revoked", $"token:{tokenId}"), cancellation);
        await tx.CommitAsync(cancellation);
        return true;
    }
}

/// <param name="Name">For its owner to recognise it.</param>
/// <param name="Scopes">Some of the caller's own.</param>
/// <param name="Days">Lifetime.</param>
internal sealed record NewToken(string? Name, IReadOnlyList<string>? Scopes, int Days);

internal sealed record TokenRow(
    Guid TokenId, string Name, string Scope, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt)
{
    public IReadOnlyList<string> Scopes => Scope.Split(' ');

    public bool IsAlive(DateTimeOffset now) => RevokedAt is null && ExpiresAt > now;
}

internal abstract record CreateTokenOutcome
{
    private CreateTokenOutcome() { }

    /// <param name="TokenId">Its identity; no secret.</param>
    /// <param name="Secret">Shown this once.</param>
    /// <param name="Name">As stored.</param>
    /// <param name="Scopes">As stored.</param>
    /// <param name="ExpiresAt">UTC.</param>
    internal sealed record Created(Guid TokenId, string Secret, string Name, IReadOnlyList<string> Scopes, DateTimeOffset ExpiresAt) : CreateTokenOutcome;

    internal sealed record Invalid(string Field, string Reason) : CreateTokenOutcome;

    internal sealed record NeedsSession : CreateTokenOutcome;
}
