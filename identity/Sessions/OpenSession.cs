using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>A new session for somebody who has just shown who he is.</summary>
internal static class OpenSession
{
    private const int UserAgentCharactersMax = 256;

    private const string Sql = """
        INSERT INTO sessions (session_id, org_id, user_id, secret_hash, created_at, last_seen_at, expires_at, ip_address, user_agent)
        VALUES (@SessionId, @OrgId, @UserId, @SecretHash, @Now, @Now, @ExpiresAt, @IpAddress, @UserAgent)
        """;

    /// <param name="tx">Transaction of the user's org.</param>
    /// <param name="userId">Who.</param>
    /// <param name="browser">Where.</param>
    /// <param name="now">UTC.</param>
    /// <param name="life">Absolute timeout.</param>
    /// <param name="cancellation">Cancels the statement.</param>
    /// <returns>Value of the session cookie.</returns>
    public static async Task<string> RunAsync(
        OrgTransaction tx, Guid userId, SessionBrowser browser, DateTimeOffset now, TimeSpan life, CancellationToken cancellation)
    {
        string secret = Credential.NewSession();
        var row = new
        {
            SessionId = Guid.CreateVersion7(now), tx.OrgId, UserId = userId, SecretHash = Credential.Hash(secret), Now = now, ExpiresAt = now + life,
            browser.IpAddress,
            UserAgent = browser.UserAgent.Length <= UserAgentCharactersMax ? browser.UserAgent : browser.UserAgent[..UserAgentCharactersMax],
        };
        await tx.ExecuteAsync(Sql, row, cancellation);
        return secret;
    }
}

/// <param name="IpAddress">Client address as the gateway saw it.</param>
/// <param name="UserAgent">As it calls itself; may be cut.</param>
internal sealed record SessionBrowser(string IpAddress, string UserAgent);
