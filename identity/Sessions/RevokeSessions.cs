using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>Ends sessions on the server and says so; what the browser still holds is worth nothing then.</summary>
internal static class RevokeSessions
{
    // The owner is in the predicate: a stranger's session is not found.
    private const string OneSql = """
        UPDATE sessions SET revoked_at = @Now
        WHERE org_id = @OrgId AND user_id = @UserId AND session_id = @SessionId AND revoked_at IS NULL
        """;

    private const string AllSql = """
        UPDATE sessions SET revoked_at = @Now
        WHERE org_id = @OrgId AND user_id = @UserId AND revoked_at IS NULL AND session_id IS DISTINCT FROM @Except
        """;

    /// <returns>False when there is no such session of that user, or it had ended.</returns>
    public static async Task<bool> OneAsync(
        OrgTransaction tx, Guid userId, Guid sessionId, DateTimeOffset now, CancellationToken cancellation)
    {
        var parameters = new { tx.OrgId, UserId = userId, SessionId = sessionId, Now = now };
        if (await tx.ExecuteAsync(OneSql, parameters, cancellation) == 0) return false;
        await SayAsync(tx, userId, now, cancellation);
        return true;
    }

    /// <summary>Also for a user without sessions it is said that his credentials count anew: whoever calls this has changed what he may do.</summary>
    /// <param name="tx">Transaction of the user's org.</param>
    /// <param name="userId">Whose.</param>
    /// <param name="except">A session that stays; null for none.</param>
    /// <param name="now">UTC.</param>
    /// <param name="cancellation">Cancels the statement.</param>
    /// <returns>How many.</returns>
    public static async Task<int> AllAsync(
        OrgTransaction tx, Guid userId, Guid? except, DateTimeOffset now, CancellationToken cancellation)
    {
        int ended = await tx.ExecuteAsync(AllSql, new { tx.OrgId, UserId = userId, Except = except, Now = now }, cancellation);
        await SayAsync(tx, userId, now, cancellation);
        return ended;
    }

    /// <summary>Tells every gateway, once the transaction commits, to ask again before it goes on with what that user presented.</summary>
    public static Task SayAsync(OrgTransaction tx, Guid userId, DateTimeOffset now, CancellationToken cancellation) =>
        tx.EnqueueAsync(new CredentialsRevoked(tx.OrgId, userId, Microseconds.Truncate(now)), cancellation);
}
