using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>After what a session may do has changed, it goes on under a new id: whoever knew the old one is left behind. Its absolute end stays.</summary>
internal static class RotateSession
{
    private const string Sql = """
        WITH old AS (
            UPDATE sessions SET revoked_at = @Now
            WHERE org_id = @OrgId AND user_id = @UserId AND session_id = @SessionId AND revoked_at IS NULL AND expires_at > @Now
            RETURNING org_id, user_id, expires_at, ip_address, user_agent)
        INSERT INTO sessions (session_id, org_id, user_id, secret_hash, created_at, last_seen_at, expires_at, ip_address, user_agent)
        SELECT @NewId, org_id, user_id, @SecretHash, @Now, @Now, expires_at, ip_address, user_agent FROM old
        """;

    /// <returns>Null when the session had ended.</returns>
    public static async Task<RotatedSession?> RunAsync(
        OrgTransaction tx, Guid userId, Guid sessionId, DateTimeOffset now, CancellationToken cancellation)
    {
        var next = new RotatedSession(Guid.CreateVersion7(now), Credential.NewSession());
        var parameters = new
        {
            tx.OrgId, UserId = userId, SessionId = sessionId, Now = now, NewId = next.SessionId, SecretHash = Credential.Hash(next.Secret),
        };
        if (await tx.ExecuteAsync(Sql, parameters, cancellation) == 0) return null;
        await RevokeSessions.SayAsync(tx, userId, now, cancellation);
        return next;
    }
}

/// <param name="SessionId">Its identity; no secret.</param>
/// <param name="Secret">Value of the session cookie; known to the browser alone.</param>
internal sealed record RotatedSession(Guid SessionId, string Secret);
