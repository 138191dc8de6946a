using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Tokens;

/// <summary>
/// <c>POST /connect/revocation</c> (RFC 7009): whoever holds a session secret or a personal access token may end it; holding it is the proof.
/// </summary>
internal static class Revocation
{
    private const string Sql = """
        WITH ended_session AS (
            UPDATE sessions SET revoked_at = @Now WHERE secret_hash = @Hash AND revoked_at IS NULL RETURNING org_id, user_id),
        ended_token AS (
            UPDATE access_tokens SET revoked_at = @Now WHERE secret_hash = @Hash AND revoked_at IS NULL RETURNING org_id, user_id)
        SELECT org_id, user_id, 'session.revoked' AS action FROM ended_session
        UNION ALL
        SELECT org_id, user_id, 'token.revoked' FROM ended_token
        """;

    public static void Map(IEndpointRouteBuilder connect) =>
        connect.MapPost("/revocation", HandleAsync).AllowAnonymous().DisableAntiforgery();

    private static async Task<IResult> HandleAsync(HttpContext http, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        if (!http.Request.HasFormContentType) return OAuth.Error("invalid_request", "The body must be a form.");
        string credential = (await http.Request.ReadFormAsync(cancellation))["token"].ToString();
        if (credential.Length == 0) return OAuth.Error("invalid_request", "token is missing.");

        // A signed token cannot be called back: it ends by itself within minutes.
        if (credential.Contains('.', StringComparison.Ordinal)) return OAuth.Error("unsupported_token_type", "Access tokens expire; revoke the session.");
        if (credential.Length <= Credential.CharactersMax) await RevokeAsync(http, database, clock.GetUtcNow(), credential, cancellation);
        return TypedResults.Ok(); // also for an unknown one, §2.2
    }

    private static async Task RevokeAsync(
        HttpContext http, Database database, DateTimeOffset now, string credential, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        var parameters = new { Hash = Credential.Hash(credential), Now = now };
        if (await tx.QuerySingleOrDefaultAsync<Ended>(Sql, parameters, cancellation) is not { } ended) return;
        await tx.EnterOrgAsync(ended.OrgId, cancellation);
        await RevokeSessions.SayAsync(tx, ended.UserId, now, cancellation);
        string owner = (await Account.FindAsync(tx, ended.UserId, cancellation))?.Username ?? "unknown";
        await tx.AuditAsync(
            new AuditAct(owner, ended.Action, "user:" + owner, IpAddress: http.Connection.RemoteIpAddress?.ToString()), cancellation);
        await tx.CommitAsync(cancellation);
    }

    private sealed record Ended(Guid OrgId, Guid UserId, string Action);
}
