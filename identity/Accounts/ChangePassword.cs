using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>A caller sets a new password of his own; his other sessions end with it, and this one goes on under a new id.</summary>
internal sealed class ChangePassword(PasswordCheck check, Passwords passwords, PasswordRules rules, Database database, TimeProvider clock)
{
    private const string Sql = """
        UPDATE users SET password_hash = @Hash, password_changed_at = @Now WHERE org_id = @OrgId AND user_id = @UserId
        """;

    public async Task<ChangePasswordOutcome> RunAsync(Caller caller, string current, string replacement, CancellationToken cancellation)
    {
        if (rules.Refusal(replacement, caller.Username) is { } reason) return new ChangePasswordOutcome.NotTaken(reason);
        if (current == replacement) return new ChangePasswordOutcome.NotTaken("must differ from the current one");

        // Through the throttle of the login: whoever finds an open browser must not guess here what he may not guess there.
        var attempt = new PasswordAttempt($"{caller.Username}@{await SlugAsync(caller, cancellation)}", current, caller.IpAddress ?? "");
        if (await check.RunAsync("password_change", attempt, cancellation) is not PasswordOutcome.Right right)
            return new ChangePasswordOutcome.CurrentIsWrong();

        string hash = passwords.Hash(replacement);
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        await ThrottleStore.ForgetAsync(tx, right.ThrottleKey, cancellation);
        await tx.ExecuteAsync(Sql, new { caller.OrgId, caller.UserId, Hash = hash, Now = now }, cancellation);
        RotatedSession? rotated = await RotateSession.RunAsync(tx, caller.UserId, Guid.Parse(caller.SessionId!), now, cancellation);
        await RevokeSessions.AllAsync(tx, caller.UserId, except: rotated?.SessionId, now, cancellation);
        await PasswordCodes.ForgetAsync(tx, caller.UserId, cancellation);
        await PendingSignIns.ForgetAsync(tx, caller.UserId, cancellation);
        await tx.AuditAsync(caller.Act("password.changed", "user:" + caller.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return new ChangePasswordOutcome.Changed(rotated);
    }

    private async Task<string> SlugAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        return await Org.SlugAsync(tx, cancellation);
    }
}

internal abstract record ChangePasswordOutcome
{
    private ChangePasswordOutcome() { }

    /// <param name="Session">Takes the place of this browser's session; null when that had ended meanwhile.</param>
    internal sealed record Changed(RotatedSession? Session) : ChangePasswordOutcome;

    /// <summary>Or there were too many tries; which of them is not said.</summary>
    internal sealed record CurrentIsWrong : ChangePasswordOutcome;

    internal sealed record NotTaken(string Reason) : ChangePasswordOutcome;
}
