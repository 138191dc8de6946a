using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>A caller ends sessions of his own: this one, another one, or all.</summary>
internal sealed class SignOut(Database database, TimeProvider clock)
{
    public Task<bool> ThisAsync(Caller caller, Guid session, CancellationToken cancellation) => OneAsync(caller, session, "logout", cancellation);

    public Task<bool> OtherAsync(Caller caller, Guid sessionId, CancellationToken cancellation) =>
        OneAsync(caller, sessionId, "session.revoked", cancellation);

    public async Task EverywhereAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        int ended = await RevokeSessions.AllAsync(tx, caller.UserId, except: null, clock.GetUtcNow(), cancellation);
        await tx.AuditAsync(
            caller.Act("logout.everywhere", "user:" + caller.Username, Facts.Of(("sessions", $"{ended}"))), cancellation);
        await tx.CommitAsync(cancellation);
    }

    private async Task<bool> OneAsync(Caller caller, Guid sessionId, string action, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        if (!await RevokeSessions.OneAsync(tx, caller.UserId, sessionId, clock.GetUtcNow(), cancellation)) return false;
        await tx.AuditAsync(caller.Act(action, "user:" + caller.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return true;
    }
}
