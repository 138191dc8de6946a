using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>A caller sets a new password of his own; his other sessions end with it.</summary>
internal sealed class ChangePassword(PasswordCheck check, Passwords passwords, Database database, TimeProvider clock)
{
    private const string Sql = """
        UPDATE users SET password_hash = @Hash, password_changed_at = @Now WHERE org_id = @OrgId AND user_id = @UserId
        """;

    private const string SlugSql = "SELECT slug FROM orgs WHERE org_id = @OrgId";

    public async Task<ChangePasswordOutcome> RunAsync(Caller caller, string current, string replacement, CancellationToken cancellation)
    {
        if (PasswordRules.Refusal(replacement, caller.Username) is { } reason) return new ChangePasswordOutcome.NotTaken(reason);
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
        Guid? thisSession = Guid.TryParse(caller.SessionId, out Guid session) ? session : null;
        await RevokeSessions.AllAsync(tx, caller.UserId, except: thisSession, now, cancellation);
        await tx.AuditAsync(caller.Act("password.changed", "user:" + caller.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return new ChangePasswordOutcome.Changed();
    }

    private async Task<string> SlugAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        return await tx.ExecuteScalarAsync<string>(SlugSql, new { caller.OrgId }, cancellation) ?? "";
    }
}

internal abstract record ChangePasswordOutcome
{
    private ChangePasswordOutcome() { }

    internal sealed record Changed : ChangePasswordOutcome;

    /// <summary>Or there were too many tries; which of them is not said.</summary>
    internal sealed record CurrentIsWrong : ChangePasswordOutcome;

    internal sealed record NotTaken(string Reason) : ChangePasswordOutcome;
}
