using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>A local account.</summary>
internal sealed record Account(Guid UserId, string Username, Role Role, AccountStatus Status, string PasswordHash)
{
    private const string ByNameSql = """
        SELECT user_id, username, role, status, password_hash FROM users WHERE org_id = @OrgId AND username = @Username
        """;

    private const string ByIdSql = """
        SELECT user_id, username, role, status, password_hash FROM users WHERE org_id = @OrgId AND user_id = @UserId
        """;

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
