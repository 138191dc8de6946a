using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>The throttle's rows; reading one locks it until the transaction ends.</summary>
internal static class ThrottleStore
{
    // The empty update locks the row and returns it, also when another try made it a moment ago.
    private const string LockRowSql = """
        INSERT INTO login_throttle AS known (org_id, username, ip_address, failures, window_started_at)
        VALUES (@OrgId, @Username, @IpAddress, 0, @Now)
        ON CONFLICT (org_id, username, ip_address) DO UPDATE SET failures = known.failures
        RETURNING failures, window_started_at, locked_until
        """;

    private const string WriteSql = """
        UPDATE login_throttle SET failures = @Failures, window_started_at = @WindowStartedAt, locked_until = @LockedUntil
        WHERE org_id = @OrgId AND username = @Username AND ip_address = @IpAddress
        """;

    private const string ForgetSql = """
        DELETE FROM login_throttle WHERE org_id = @OrgId AND username = @Username AND ip_address = @IpAddress
        """;

    public static async Task<ThrottleState> LockRowAsync(
        OrgTransaction tx, ThrottleKey key, DateTimeOffset now, CancellationToken cancellation) =>
        await tx.QuerySingleOrDefaultAsync<ThrottleState>(LockRowSql, new { tx.OrgId, key.Username, key.IpAddress, Now = now }, cancellation)
        ?? throw new InvalidOperationException("An upsert returned no row.");

    public static Task WriteAsync(OrgTransaction tx, ThrottleKey key, ThrottleState state, CancellationToken cancellation) => tx.ExecuteAsync(
        WriteSql,
        new { tx.OrgId, key.Username, key.IpAddress, state.Failures, state.WindowStartedAt, state.LockedUntil },
        cancellation);

    public static Task ForgetAsync(OrgTransaction tx, ThrottleKey key, CancellationToken cancellation) =>
        tx.ExecuteAsync(ForgetSql, new { tx.OrgId, key.Username, key.IpAddress }, cancellation);
}

/// <summary>Whose tries are counted together.</summary>
/// <param name="Username">As typed; empty for everything that cannot be a username.</param>
/// <param name="IpAddress">Client address as the gateway saw it.</param>
internal sealed record ThrottleKey(string Username, string IpAddress)
{
    /// <summary>In place of an address: tries of an account from all of them together.</summary>
    public const string AnyAddress = "*";
}
