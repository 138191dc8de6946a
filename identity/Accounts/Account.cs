using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>An account of an org.</summary>
/// <param name="UserId">Subject of its tokens.</param>
/// <param name="Username">Unix name.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Status">A disabled one cannot sign in, and its tokens are worth nothing.</param>
/// <param name="PasswordHash">Null when it has no password: nobody signs in with one.</param>
/// <param name="HasSecondFactor">Signing in asks for a code as well.</param>
internal sealed record Account(Guid UserId, string Username, Role Role, AccountStatus Status, string? PasswordHash, bool HasSecondFactor)
{
    private const string Columns = """
        user_id, username, role, status, password_hash,
        EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = users.user_id AND f.enabled_at IS NOT NULL) AS has_second_factor
        """;

    private const string ByNameSql = $"SELECT {Columns} FROM users WHERE org_id = @OrgId AND username = @Username";

    private const string ByIdSql = $"SELECT {Columns} FROM users WHERE org_id = @OrgId AND user_id = @UserId";

    public static Task<Account?> FindAsync(OrgTransaction tx, string username, CancellationToken cancellation) =>
        tx.QuerySingleOrDefaultAsync<Account>(ByNameSql, new { tx.OrgId, Username = username }, cancellation);

    public static Task<Account?> FindAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation) =>
        tx.QuerySingleOrDefaultAsync<Account>(ByIdSql, new { tx.OrgId, UserId = userId }, cancellation);
}

internal enum AccountStatus
{
    Active,
    Disabled,
}
