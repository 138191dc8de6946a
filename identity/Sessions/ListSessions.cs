using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Sessions;

/// <summary>Where an account is signed in right now.</summary>
internal sealed class ListSessions(Database database, IOptions<IdentityOptions> options, TimeProvider clock)
{
    private const int SessionsMax = 100;

    private const string Sql = """
        SELECT session_id, created_at, last_seen_at, ip_address, user_agent FROM sessions
        WHERE org_id = @OrgId AND user_id = @UserId AND revoked_at IS NULL AND expires_at > @Now AND last_seen_at > @IdleSince
        ORDER BY last_seen_at DESC
        LIMIT @SessionsMax
        """;

    public async Task<IReadOnlyList<SessionRow>> RunAsync(Caller caller, CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        var parameters = new { caller.OrgId, caller.UserId, Now = now, IdleSince = now - options.Value.SessionIdle, SessionsMax };
        return await tx.QueryAsync<SessionRow>(Sql, parameters, cancellation);
    }
}

internal sealed record SessionRow(Guid SessionId, DateTimeOffset CreatedAt, DateTimeOffset LastSeenAt, string IpAddress, string UserAgent);
