using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>One-time codes with which the owner of an account sets its password; an account has one at a time.</summary>
internal static class PasswordCodes
{
    private const string WriteSql = """
        INSERT INTO password_codes (code_hash, org_id, user_id, made_by, created_at, expires_at)
        VALUES (@Hash, @OrgId, @UserId, @MadeBy, @Now, @ExpiresAt)
        ON CONFLICT (user_id) DO UPDATE SET code_hash = @Hash, made_by = @MadeBy, created_at = @Now, expires_at = @ExpiresAt
        """;

    private const string UseSql = """
        DELETE FROM password_codes WHERE org_id = @OrgId AND user_id = @UserId AND code_hash = @Hash AND expires_at > @Now RETURNING made_by
        """;

    private const string ForgetSql = "DELETE FROM password_codes WHERE org_id = @OrgId AND user_id = @UserId";

    /// <summary>Makes one; an earlier one of that account is worth nothing any more.</summary>
    public static async Task<PasswordCode> MakeAsync(
        OrgTransaction tx, Guid userId, string madeBy, DateTimeOffset now, TimeSpan life, CancellationToken cancellation)
    {
        var code = new PasswordCode(SpokenCode.New(), now + life);
        var row = new { Hash = SpokenCode.HashNew(code.Text), tx.OrgId, UserId = userId, MadeBy = madeBy, Now = now, code.ExpiresAt };
        await tx.ExecuteAsync(WriteSql, row, cancellation);
        return code;
    }

    /// <returns>The admin who made it; null when it is not that account's, was used or has expired.</returns>
    public static Task<string?> UseAsync(OrgTransaction tx, Guid userId, byte[] hash, DateTimeOffset now, CancellationToken cancellation) =>
        tx.ExecuteScalarAsync<string>(UseSql, new { tx.OrgId, UserId = userId, Hash = hash, Now = now }, cancellation);

    public static Task ForgetAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation) =>
        tx.ExecuteAsync(ForgetSql, new { tx.OrgId, UserId = userId }, cancellation);
}

/// <param name="Text">Shown this once.</param>
/// <param name="ExpiresAt">UTC.</param>
internal sealed record PasswordCode(string Text, DateTimeOffset ExpiresAt);
