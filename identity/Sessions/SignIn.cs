using HpcBilling.Identity.Accounts;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Sessions;

/// <summary>
/// A right password becomes a new session, or, for an account with a second factor, a pending sign-in; the session that the browser had
/// before is revoked.
/// </summary>
internal sealed class SignIn(
    PasswordCheck check, Passwords passwords, Database database, IOptions<IdentityOptions> options, TimeProvider clock)
{
    // Held until the session is there: a password that is taken away at this moment opens nothing any more.
    private const string HoldSql = """
        SELECT 1 FROM users WHERE org_id = @OrgId AND user_id = @UserId AND password_hash = @PasswordHash AND status = 'active' FOR UPDATE
        """;

    private const string UpgradeHashSql = "UPDATE users SET password_hash = @Hash WHERE org_id = @OrgId AND user_id = @UserId";

    public async Task<SignInOutcome> RunAsync(
        PasswordAttempt attempt, string userAgent, Guid? previousSession, CancellationToken cancellation)
    {
        if (await check.RunAsync("login", attempt, cancellation) is not PasswordOutcome.Right right) return new SignInOutcome.Refused();

        string? upgraded = right.HashIsCheap ? passwords.Hash(attempt.Password) : null;
        DateTimeOffset now = clock.GetUtcNow();
        Account account = right.Account;
        await using OrgTransaction tx = await database.BeginAsync(right.OrgId, cancellation);
        if (await tx.ExecuteScalarAsync<int?>(HoldSql, new { tx.OrgId, account.UserId, account.PasswordHash }, cancellation) is null)
            return new SignInOutcome.Refused();
        if (upgraded is not null) await tx.ExecuteAsync(UpgradeHashSql, new { tx.OrgId, account.UserId, Hash = upgraded }, cancellation);

        if (account.HasSecondFactor)
        {
            // The try stays counted until the code was right: else a known password would buy any number of guesses at the code.
            string pending = await PendingSignIns.AddAsync(tx, account.UserId, now, cancellation);
            await tx.CommitAsync(cancellation);
            return new SignInOutcome.NeedsSecondFactor(pending);
        }

        await ThrottleStore.ForgetAsync(tx, right.ThrottleKey, cancellation);
        if (previousSession is { } previous) await RevokeSessions.OneAsync(tx, account.UserId, previous, now, cancellation);
        var browser = new SessionBrowser(attempt.IpAddress, userAgent);
        string secret = await OpenSession.RunAsync(tx, account.UserId, browser, now, options.Value.SessionAbsolute, cancellation);
        await tx.AuditAsync(
            new AuditAct(account.Username, "login.success", "user:" + account.Username, IpAddress: attempt.IpAddress), cancellation);
        await tx.CommitAsync(cancellation);
        return new SignInOutcome.SignedIn(secret, options.Value.MustEnrol(account));
    }
}

internal abstract record SignInOutcome
{
    private SignInOutcome() { }

    /// <param name="Secret">Value of the session cookie; known to the browser alone.</param>
    /// <param name="MustEnrol">The session is good for setting up a second factor and for nothing else.</param>
    internal sealed record SignedIn(string Secret, bool MustEnrol) : SignInOutcome;

    /// <param name="Pending">Value of the sign-in cookie.</param>
    internal sealed record NeedsSecondFactor(string Pending) : SignInOutcome;

    internal sealed record Refused : SignInOutcome;
}
