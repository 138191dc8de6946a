using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.IdentityModel.JsonWebTokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>
/// <c>POST /connect/revocation</c> (RFC 7009): whoever holds a session secret, a personal access token or an access token may end it; holding it
/// is the proof. A client that says who it is can end its own access tokens alone.
/// </summary>
internal static class Revocation
{
    public const string Path = "/connect/revocation";

    private const string Sql = """
        WITH ended_session AS (
            UPDATE sessions SET revoked_at = @Now WHERE secret_hash = @Hash AND revoked_at IS NULL RETURNING org_id, user_id),
        ended_token AS (
            UPDATE access_tokens SET revoked_at = @Now WHERE secret_hash = @Hash AND revoked_at IS NULL RETURNING org_id, user_id)
        SELECT org_id, user_id, 'session.revoked' AS action FROM ended_session
        UNION ALL
        SELECT org_id, user_id, 'token.revoked' FROM ended_token
        """;

    private const string CallBackSql = """
        INSERT INTO revoked_tokens (token_id, org_id, expires_at) VALUES (@TokenId, @OrgId, @ExpiresAt) ON CONFLICT (token_id) DO NOTHING
        """;

    public static void Map(IEndpointRouteBuilder app) => app.MapPost(Path, HandleAsync).AllowAnonymous().DisableAntiforgery();

    private static async Task<IResult> HandleAsync(
        HttpContext http, ClientAuthentication clients, IssuedTokens issued, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        if (await OAuth.ReadFormAsync(http, cancellation) is not { } form) return OAuth.BadForm();
        ClientOutcome who = await clients.FindAsync(http.Request, form, cancellation);
        if (who is ClientOutcome.Malformed malformed) return OAuth.Error("invalid_request", malformed.Reason);
        if (who is ClientOutcome.Refused) return OAuth.InvalidClient(http);
        string credential = form["token"].ToString();
        if (credential.Length == 0) return OAuth.Error("invalid_request", "token is missing.");

        if (credential.Contains('.', StringComparison.Ordinal))
        {
            if (await issued.ReadAsync(credential) is not { } token) return TypedResults.Ok(); // also for an unknown one, §2.2
            if (!MayEnd(who, token)) return OAuth.Error("unauthorized_client", "This token was not issued to this client.");
            await CallBackAsync(http, database, token, cancellation);
        }
        else if (credential.Length <= Credential.CharactersMax)
        {
            await RevokeAsync(http, database, clock.GetUtcNow(), credential, cancellation);
        }

        return TypedResults.Ok();
    }

    private static bool MayEnd(ClientOutcome who, JsonWebToken token) => who switch
    {
        ClientOutcome.Authenticated { Client: AuthenticatedClient.Machine machine } => token.GetClaim(Claims.ClientId).Value == machine.Options.Id,
        _ => true,
    };

    // The services check tokens without asking: they take it until it ends, minutes later. Whoever asks hears that it is over.
    private static async Task CallBackAsync(HttpContext http, Database database, JsonWebToken token, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(Guid.Parse(token.GetClaim(Claims.OrgId).Value), cancellation);
        var row = new { TokenId = Guid.Parse(token.Id), tx.OrgId, ExpiresAt = new DateTimeOffset(token.ValidTo, TimeSpan.Zero) };
        if (await tx.ExecuteAsync(CallBackSql, row, cancellation) == 0) return;
        string owner = token.TryGetClaim(Claims.Username, out var username) ? "user:" + username.Value : "client:" + token.Subject;
        await tx.AuditAsync(
            new AuditAct(owner.Split(':', 2)[1], "access_token.revoked", owner, IpAddress: http.Connection.RemoteIpAddress?.ToString()), cancellation);
        await tx.CommitAsync(cancellation);
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
