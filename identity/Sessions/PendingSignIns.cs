using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>Right passwords whose second factor is still missing. Each belongs to one browser, which has its secret in a cookie.</summary>
internal static class PendingSignIns
{
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private const string AddSql = """
        INSERT INTO pending_sign_ins (secret_hash, org_id, user_id, created_at, expires_at) VALUES (@Hash, @OrgId, @UserId, @Now, @ExpiresAt)
        """;

    private const string FindSql = "SELECT org_id, user_id FROM pending_sign_ins WHERE secret_hash = @Hash AND expires_at > @Now";

    private const string FinishSql = "DELETE FROM pending_sign_ins WHERE org_id = @OrgId AND secret_hash = @Hash AND expires_at > @Now";

    private const string ForgetSql = "DELETE FROM pending_sign_ins WHERE org_id = @OrgId AND user_id = @UserId";

    /// <returns>Value of the sign-in cookie.</returns>
    public static async Task<string> AddAsync(OrgTransaction tx, Guid userId, DateTimeOffset now, CancellationToken cancellation)
    {
        string secret = Credential.NewSession();
        var row = new { Hash = Credential.Hash(secret), tx.OrgId, UserId = userId, Now = now, ExpiresAt = now + Life };
        await tx.ExecuteAsync(AddSql, row, cancellation);
        return secret;
    }

    /// <param name="tx">A worker's: the org is not known before.</param>
    /// <param name="secret">Value of the sign-in cookie.</param>
    /// <param name="now">UTC.</param>
    /// <param name="cancellation">Cancels the query.</param>
    public static async Task<PendingSignIn?> FindAsync(OrgTransaction tx, string secret, DateTimeOffset now, CancellationToken cancellation) =>
        secret.Length is 0 or > Credential.CharactersMax
            ? null
            : await tx.QuerySingleOrDefaultAsync<PendingSignIn>(FindSql, new { Hash = Credential.Hash(secret), Now = now }, cancellation);

    /// <returns>False when it is over: finished, expired, or taken back with the password.</returns>
    public static async Task<bool> FinishAsync(OrgTransaction tx, string secret, DateTimeOffset now, CancellationToken cancellation) =>
        await tx.ExecuteAsync(FinishSql, new { tx.OrgId, Hash = Credential.Hash(secret), Now = now }, cancellation) == 1;

    /// <summary>The password that they were begun with holds no longer.</summary>
    public static Task ForgetAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation) =>
        tx.ExecuteAsync(ForgetSql, new { tx.OrgId, UserId = userId }, cancellation);
}

internal sealed record PendingSignIn(Guid OrgId, Guid UserId);
