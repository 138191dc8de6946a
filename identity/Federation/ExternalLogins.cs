using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Federation;

/// <summary>Who an account is at other providers: by issuer and subject, never by a name.</summary>
internal static class ExternalLogins
{
    private const string FindSql = """
        UPDATE external_logins SET last_used_at = @Now WHERE issuer = @Issuer AND subject = @Subject AND org_id = @OrgId RETURNING user_id
        """;

    private const string AddSql = """
        INSERT INTO external_logins (issuer, subject, org_id, user_id, name, created_at) VALUES (@Issuer, @Subject, @OrgId, @UserId, @Name, @Now)
        ON CONFLICT (issuer, subject) DO NOTHING
        """;

    private const string ListSql = """
        SELECT issuer, subject, name, created_at, last_used_at FROM external_logins WHERE org_id = @OrgId AND user_id = @UserId ORDER BY created_at LIMIT 100
        """;

    // The last way in stays: an account without a password would be out of its owner's reach.
    private const string RemoveSql = """
        DELETE FROM external_logins WHERE org_id = @OrgId AND user_id = @UserId AND issuer = @Issuer AND subject = @Subject
        AND (EXISTS (SELECT 1 FROM users WHERE org_id = @OrgId AND user_id = @UserId AND password_hash IS NOT NULL)
             OR (SELECT count(*) FROM external_logins WHERE org_id = @OrgId AND user_id = @UserId) > 1)
        """;

    public static Task<Guid?> FindAsync(OrgTransaction tx, ProviderUser user, DateTimeOffset now, CancellationToken cancellation) =>
        tx.QuerySingleOrDefaultAsync<Guid?>(FindSql, new { user.Issuer, user.Subject, tx.OrgId, Now = now }, cancellation);

    /// <returns>False when that person is linked already.</returns>
    public static async Task<bool> AddAsync(
        OrgTransaction tx, ProviderUser user, Guid userId, string name, DateTimeOffset now, CancellationToken cancellation) =>
        await tx.ExecuteAsync(AddSql, new { user.Issuer, user.Subject, tx.OrgId, UserId = userId, Name = name, Now = now }, cancellation) == 1;

    public static Task<IReadOnlyList<ExternalLogin>> ListAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation) =>
        tx.QueryAsync<ExternalLogin>(ListSql, new { tx.OrgId, UserId = userId }, cancellation);

    /// <returns>False when there is none such, or it is the last way in.</returns>
    public static async Task<bool> RemoveAsync(OrgTransaction tx, Guid userId, string issuer, string subject, CancellationToken cancellation) =>
        await tx.ExecuteAsync(RemoveSql, new { tx.OrgId, UserId = userId, Issuer = issuer, Subject = subject }, cancellation) == 1;
}

/// <param name="Issuer">The provider.</param>
/// <param name="Subject">Its name for the person.</param>
/// <param name="Name">What the person is called there, for him to recognise.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="LastUsedAt">UTC; null: never.</param>
internal sealed record ExternalLogin(string Issuer, string Subject, string Name, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt);
