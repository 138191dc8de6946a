using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>An account as its admin sees it.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Username">Unix name.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Status">Whether it may sign in.</param>
/// <param name="CreatedAt">UTC.</param>
/// <param name="HasPassword">False until its owner has used a set-up code, and after a reset.</param>
/// <param name="HasSecondFactor">Signing in asks for a code as well.</param>
/// <param name="CodeExpiresAt">UTC; end of a set-up code that is still open, null when there is none.</param>
internal sealed record UserView(
    Guid Id, string Username, Role Role, AccountStatus Status, DateTimeOffset CreatedAt, bool HasPassword, bool HasSecondFactor, DateTimeOffset? CodeExpiresAt)
{
    /// <summary>Of <c>users</c>; the parameter <c>@Now</c> tells open codes from expired ones.</summary>
    public const string Columns = """
        user_id AS id, username, role, status, created_at, password_hash IS NOT NULL AS has_password,
        EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = users.user_id AND f.enabled_at IS NOT NULL) AS has_second_factor,
        (SELECT expires_at FROM password_codes c WHERE c.user_id = users.user_id AND c.expires_at > @Now) AS code_expires_at
        """;

    private const string ByIdSql = $"SELECT {Columns} FROM users WHERE org_id = @OrgId AND user_id = @UserId";

    public static Task<UserView?> FindAsync(OrgTransaction tx, Guid userId, DateTimeOffset now, CancellationToken cancellation) =>
        tx.QuerySingleOrDefaultAsync<UserView>(ByIdSql, new { tx.OrgId, UserId = userId, Now = now }, cancellation);
}
