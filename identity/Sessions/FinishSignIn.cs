using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.SecondFactors;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Sessions;

/// <summary>The second step of a sign-in: a right code turns what the right password began into a session.</summary>
internal sealed class FinishSignIn(SecondFactorCheck check, Database database, IOptions<IdentityOptions> options, TimeProvider clock)
{
    /// <summary>Whether this browser has given a right password within the last minutes.</summary>
    public async Task<bool> IsPendingAsync(string pending, CancellationToken cancellation) => await FindAsync(pending, cancellation) is not null;

    /// <param name="pending">Value of the sign-in cookie.</param>
    /// <param name="code">As typed.</param>
    /// <param name="browser">Where.</param>
    /// <param name="previousSession">A session that this browser had before; it ends.</param>
    /// <param name="cancellation">Cancels it; a try that was counted stays counted.</param>
    public async Task<FinishSignInOutcome> RunAsync(
        string pending, string code, SessionBrowser browser, Guid? previousSession, CancellationToken cancellation)
    {
        if (await FindAsync(pending, cancellation) is not var (orgId, account)) return new FinishSignInOutcome.Gone();
        if (await check.RunAsync("login.second_factor", orgId, account, code, browser.IpAddress, cancellation) is not SecondFactorOutcome.Right right)
            return new FinishSignInOutcome.Refused();

        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(orgId, cancellation);
        if (!await PendingSignIns.FinishAsync(tx, pending, now, cancellation)) return new FinishSignInOutcome.Gone();
        await SecondFactorCheck.ForgiveAsync(tx, account, browser.IpAddress, cancellation);
        if (previousSession is { } previous) await RevokeSessions.OneAsync(tx, account.UserId, previous, now, cancellation);
        string secret = await OpenSession.RunAsync(tx, account.UserId, browser, now, options.Value.SessionAbsolute, cancellation);
        await tx.AuditAsync(LoginAct.Of(account, "login.success", browser.IpAddress, ("secondFactor", right.Kind)), cancellation);
        await tx.CommitAsync(cancellation);
        return new FinishSignInOutcome.SignedIn(secret);
    }

    private async Task<(Guid OrgId, Account Account)?> FindAsync(string pending, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        if (await PendingSignIns.FindAsync(tx, pending, clock.GetUtcNow(), cancellation) is not { } found) return null;
        await tx.EnterOrgAsync(found.OrgId, cancellation);
        return await Account.FindAsync(tx, found.UserId, cancellation) is { Status: AccountStatus.Active } account ? (found.OrgId, account) : null;
    }
}

internal abstract record FinishSignInOutcome
{
    private FinishSignInOutcome() { }

    /// <param name="Secret">Value of the session cookie; known to the browser alone.</param>
    internal sealed record SignedIn(string Secret) : FinishSignInOutcome;

    /// <summary>Wrong, used before, or too many tries; which of them is not said.</summary>
    internal sealed record Refused : FinishSignInOutcome;

    /// <summary>There is no sign-in to finish: begin again with the password.</summary>
    internal sealed record Gone : FinishSignInOutcome;
}
