using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Accounts;

/// <summary>
/// An admin takes the password of an account away, ends its sessions, and gets a code by which its owner sets a new one. Also a new
/// code for an account that never had a password.
/// </summary>
internal sealed class ResetUser(Database database, IOptions<IdentityOptions> options, TimeProvider clock)
{
    private const string ForgetPasswordSql = """
        UPDATE users SET password_hash = NULL, password_changed_at = NULL WHERE org_id = @OrgId AND user_id = @UserId AND status = 'active' RETURNING username
        """;

    public async Task<ResetUserOutcome> RunAsync(Caller caller, Guid userId, CancellationToken cancellation)
    {
        // One's own password is changed with the current one: whoever finds an open browser must not get around that.
        if (userId == caller.UserId) return new ResetUserOutcome.OneOwn();
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        if (await UserView.FindAsync(tx, userId, now, cancellation) is not { } user) return new ResetUserOutcome.NotFound();
        if (await tx.ExecuteScalarAsync<string>(ForgetPasswordSql, new { tx.OrgId, UserId = userId }, cancellation) is null) return new ResetUserOutcome.Disabled();

        PasswordCode code = await PasswordCodes.MakeAsync(tx, userId, caller.Username, now, options.Value.PasswordCodeLife, cancellation);
        await PendingSignIns.ForgetAsync(tx, userId, cancellation);
        await RevokeSessions.AllAsync(tx, userId, except: null, now, cancellation);
        await tx.AuditAsync(caller.Act("user.reset", "user:" + user.Username, Facts.Of(("codeUntil", $"{code.ExpiresAt:O}"))), cancellation);
        await tx.CommitAsync(cancellation);
        return new ResetUserOutcome.Done(user with { HasPassword = false, CodeExpiresAt = code.ExpiresAt }, code);
    }
}

internal abstract record ResetUserOutcome
{
    private ResetUserOutcome() { }

    /// <param name="User">As it is now.</param>
    /// <param name="Code">Shown this once.</param>
    internal sealed record Done(UserView User, PasswordCode Code) : ResetUserOutcome;

    internal sealed record NotFound : ResetUserOutcome;

    internal sealed record Disabled : ResetUserOutcome;

    internal sealed record OneOwn : ResetUserOutcome;
}
