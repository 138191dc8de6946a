using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Accounts;

/// <summary>The owner of an account sets its password with the code that an admin gave him.</summary>
internal sealed class SetPassword(Database database, Passwords passwords, PasswordRules rules, IOptions<IdentityOptions> options, TimeProvider clock)
{
    /// <summary>Page where the code is used.</summary>
    public const string Path = "/login/reset";

    private const string Sql = """
        UPDATE users SET password_hash = @Hash, password_changed_at = @Now WHERE org_id = @OrgId AND user_id = @UserId AND status = 'active'
        """;

    /// <param name="attempt">Whose, the code in place of a password, and from where.</param>
    /// <param name="replacement">The new password.</param>
    /// <param name="cancellation">Cancels it; a try that was counted stays counted.</param>
    public async Task<SetPasswordOutcome> RunAsync(PasswordAttempt attempt, string replacement, CancellationToken cancellation)
    {
        // The rules look at no account, so what they say tells nothing about one; and a code is not lost over a weak password.
        SignInName? name = SignInName.Parse(attempt.TypedName);
        if (rules.Refusal(replacement, name?.Username ?? "") is { } reason) return new SetPasswordOutcome.NotTaken(reason);

        var key = new ThrottleKey(name?.Username ?? "", attempt.IpAddress);
        (Guid orgId, Account? account, bool mayTry) = await BeginAsync(name, key, cancellation);

        // Hashed whether or not the code is right, for the time would tell.
        string hash = passwords.Hash(replacement);
        byte[]? code = SpokenCode.Hash(attempt.Password);
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(orgId, cancellation);
        if (mayTry && code is not null && account is { Status: AccountStatus.Active }
            && await PasswordCodes.UseAsync(tx, account.UserId, code, now, cancellation) is { } madeBy
            && await tx.ExecuteAsync(Sql, new { tx.OrgId, account.UserId, Hash = hash, Now = now }, cancellation) == 1)
        {
            await ThrottleStore.ForgetAsync(tx, key, cancellation);
            await PendingSignIns.ForgetAsync(tx, account.UserId, cancellation);
            await RevokeSessions.AllAsync(tx, account.UserId, except: null, now, cancellation);
            await tx.AuditAsync(LoginAct.Of(account, "user.password_set", attempt.IpAddress, ("codeMadeBy", madeBy)), cancellation);
            await tx.CommitAsync(cancellation);
            return new SetPasswordOutcome.Done();
        }

        await tx.AuditAsync(LoginAct.Of(account, "password_code.failure", attempt.IpAddress, ("reason", mayTry ? "code" : "locked")), cancellation);
        if (mayTry) await Throttling.FailAsync(tx, key, account, options.Value.Throttle, now, cancellation);
        await tx.CommitAsync(cancellation);
        return new SetPasswordOutcome.Refused();
    }

    private async Task<(Guid OrgId, Account? Account, bool MayTry)> BeginAsync(SignInName? name, ThrottleKey key, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        Guid? known = name is null ? null : await Org.FindAsync(tx, name.OrgSlug, cancellation);
        await tx.EnterOrgAsync(known ?? Orgs.Default, cancellation);
        Account? account = name is null || known is null ? null : await Account.FindAsync(tx, name.Username, cancellation);
        bool mayTry = await Throttling.BeginAsync(tx, key, account, options.Value.Throttle, clock.GetUtcNow(), cancellation);
        await tx.CommitAsync(cancellation);
        return (tx.OrgId, account, mayTry);
    }
}

internal abstract record SetPasswordOutcome
{
    private SetPasswordOutcome() { }

    internal sealed record Done : SetPasswordOutcome;

    internal sealed record NotTaken(string Reason) : SetPasswordOutcome;

    /// <summary>No reason is given on purpose.</summary>
    internal sealed record Refused : SetPasswordOutcome;
}
