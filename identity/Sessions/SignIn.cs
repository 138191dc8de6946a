using HpcBilling.Identity.Accounts;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Sessions;

/// <summary>A right password becomes a new session; the one that the browser had before is revoked.</summary>
internal sealed class SignIn(
    PasswordCheck check, Passwords passwords, Database database, IOptions<IdentityOptions> options, TimeProvider clock)
{
    private const int UserAgentCharactersMax = 256;

    private const string UpgradeHashSql = """
        UPDATE users SET password_hash = @Hash WHERE org_id = @OrgId AND user_id = @UserId AND password_hash = @OldHash
        """;

    private const string InsertSql = """
        INSERT INTO sessions (session_id, org_id, user_id, secret_hash, created_at, last_seen_at, expires_at, ip_address, user_agent)
        VALUES (@SessionId, @OrgId, @UserId, @SecretHash, @Now, @Now, @ExpiresAt, @IpAddress, @UserAgent)
        """;

    public async Task<SignInOutcome> RunAsync(
        PasswordAttempt attempt, string userAgent, Guid? previousSession, CancellationToken cancellation)
    {
        if (await check.RunAsync("login", attempt, cancellation) is not PasswordOutcome.Right right) return new SignInOutcome.Refused();

        string secret = Credential.NewSession();
        DateTimeOffset now = clock.GetUtcNow();
        Account account = right.Account;
        await using OrgTransaction tx = await database.BeginAsync(right.OrgId, cancellation);
        await ThrottleStore.ForgetAsync(tx, right.ThrottleKey, cancellation);
        if (right.HashIsCheap)
        {
            string hash = passwords.Hash(attempt.Password);
            var upgrade = new { tx.OrgId, account.UserId, Hash = hash, OldHash = account.PasswordHash };
            await tx.ExecuteAsync(UpgradeHashSql, upgrade, cancellation);
        }

        if (previousSession is { } previous) await RevokeSessions.OneAsync(tx, account.UserId, previous, now, cancellation);
        var session = new
        {
            SessionId = Guid.CreateVersion7(now),
            tx.OrgId,
            account.UserId,
            SecretHash = Credential.Hash(secret),
            Now = now,
            ExpiresAt = now + options.Value.SessionAbsolute,
            attempt.IpAddress,
            UserAgent = userAgent.Length <= UserAgentCharactersMax ? userAgent : userAgent[..UserAgentCharactersMax],
        };
        await tx.ExecuteAsync(InsertSql, session, cancellation);
        await tx.AuditAsync(
            new AuditAct(account.Username, "login.success", "user:" + account.Username, IpAddress: attempt.IpAddress), cancellation);
        await tx.CommitAsync(cancellation);
        return new SignInOutcome.SignedIn(secret);
    }
}

internal abstract record SignInOutcome
{
    private SignInOutcome() { }

    /// <param name="Secret">Value of the session cookie; known to the browser alone.</param>
    internal sealed record SignedIn(string Secret) : SignInOutcome;

    internal sealed record Refused : SignInOutcome;
}
