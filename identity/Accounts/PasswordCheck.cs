using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Accounts;

/// <summary>
/// Throttled check of a password. Unknown name, wrong password, disabled account, account without a password and lock take the same
/// work and end in the same answer.
/// </summary>
internal sealed class PasswordCheck(Database database, Passwords passwords, IOptions<IdentityOptions> options, TimeProvider clock)
{
    /// <param name="activity">First word of the audit actions: <c>login</c> gives <c>login.start</c> and <c>login.failure</c>.</param>
    /// <param name="attempt">Who, what and from where.</param>
    /// <param name="cancellation">Cancels it; a try that was counted stays counted.</param>
    public async Task<PasswordOutcome> RunAsync(string activity, PasswordAttempt attempt, CancellationToken cancellation)
    {
        SignInName? name = SignInName.Parse(attempt.TypedName);
        var key = new ThrottleKey(name?.Username ?? "", attempt.IpAddress);
        (Guid orgId, bool mayTry, Account? account) = await BeginAsync(activity, name, key, cancellation);

        string password = attempt.Password.Length <= PasswordRules.CharactersMax ? attempt.Password : "";
        PasswordVerdict verdict = passwords.Verify(account?.PasswordHash, password);
        if (mayTry && account is { Status: AccountStatus.Active } && verdict != PasswordVerdict.Wrong)
            return new PasswordOutcome.Right(orgId, account, key, verdict == PasswordVerdict.RightButCheap);

        string reason = !mayTry ? "locked" : account is { Status: AccountStatus.Disabled } ? "disabled" : "credentials";
        await FailAsync(activity, orgId, key, account, reason, cancellation);
        return new PasswordOutcome.Refused();
    }

    private async Task<(Guid OrgId, bool MayTry, Account? Account)> BeginAsync(
        string activity, SignInName? name, ThrottleKey key, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        Guid? known = name is null ? null : await Org.FindAsync(tx, name.OrgSlug, cancellation);
        await tx.EnterOrgAsync(known ?? Orgs.Default, cancellation);
        Account? account = name is null || known is null ? null : await Account.FindAsync(tx, name.Username, cancellation);
        bool mayTry = await Throttling.BeginAsync(tx, key, account, options.Value.Throttle, clock.GetUtcNow(), cancellation);
        await tx.AuditAsync(LoginAct.Of(account, activity + ".start", key.IpAddress), cancellation);
        await tx.CommitAsync(cancellation);
        return (tx.OrgId, mayTry, account);
    }

    private async Task FailAsync(
        string activity, Guid orgId, ThrottleKey key, Account? account, string reason, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(orgId, cancellation);
        await tx.AuditAsync(LoginAct.Of(account, activity + ".failure", key.IpAddress, ("reason", reason)), cancellation);
        if (reason != "locked") await Throttling.FailAsync(tx, key, account, options.Value.Throttle, clock.GetUtcNow(), cancellation);
        await tx.CommitAsync(cancellation);
    }
}

/// <param name="TypedName">As typed.</param>
/// <param name="Password">As typed.</param>
/// <param name="IpAddress">Client address as the gateway saw it.</param>
internal sealed record PasswordAttempt(string TypedName, string Password, string IpAddress);

internal abstract record PasswordOutcome
{
    private PasswordOutcome() { }

    /// <param name="OrgId">Org of the account.</param>
    /// <param name="Account">Whose password it is.</param>
    /// <param name="ThrottleKey">Tries to forgive in the transaction that acts on it.</param>
    /// <param name="HashIsCheap">The stored hash should be replaced by one of today's cost.</param>
    internal sealed record Right(Guid OrgId, Account Account, ThrottleKey ThrottleKey, bool HashIsCheap) : PasswordOutcome;

    /// <summary>No reason is given on purpose.</summary>
    internal sealed record Refused : PasswordOutcome;
}
