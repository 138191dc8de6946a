using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>An admin changes the role of an account, disables or enables it; its sessions end with the change.</summary>
internal sealed class ChangeUser(Database database, TimeProvider clock)
{
    // Changes of one org follow each other, so that two admins cannot remove each other at the same moment.
    private const string LockOrgSql = "SELECT pg_advisory_xact_lock(hashtextextended(@OrgId::text, 1))";

    private const string OtherAdminsSql = """
        SELECT count(*) FROM users WHERE org_id = @OrgId AND role = 'admin' AND status = 'active' AND user_id <> @UserId
        """;

    private const string WriteSql = "UPDATE users SET role = @Role, status = @Status WHERE org_id = @OrgId AND user_id = @UserId";

    public async Task<ChangeUserOutcome> RunAsync(Caller caller, Guid userId, UserChange change, CancellationToken cancellation)
    {
        if (change is { Role: null, Status: null }) return new ChangeUserOutcome.NothingAsked();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        await tx.ExecuteAsync(LockOrgSql, new { caller.OrgId }, cancellation);
        DateTimeOffset now = clock.GetUtcNow();
        if (await UserView.FindAsync(tx, userId, now, cancellation) is not { } before) return new ChangeUserOutcome.NotFound();

        UserView after = before with { Role = change.Role ?? before.Role, Status = change.Status ?? before.Status };
        if (after == before) return new ChangeUserOutcome.Done(after);
        if (IsActiveAdmin(before) && !IsActiveAdmin(after)
            && await tx.ExecuteScalarAsync<long>(OtherAdminsSql, new { caller.OrgId, UserId = userId }, cancellation) == 0)
            return new ChangeUserOutcome.LastAdmin();

        var row = new { caller.OrgId, UserId = userId, Role = Word.Of(after.Role), Status = Word.Of(after.Status) };
        await tx.ExecuteAsync(WriteSql, row, cancellation);
        await RevokeSessions.AllAsync(tx, userId, except: null, now, cancellation);
        if (after.Status == AccountStatus.Disabled)
        {
            await PendingSignIns.ForgetAsync(tx, userId, cancellation);
            await PasswordCodes.ForgetAsync(tx, userId, cancellation);
            after = after with { CodeExpiresAt = null };
        }

        string subject = "user:" + before.Username;
        if (after.Role != before.Role)
            await tx.AuditAsync(caller.Act("user.role_changed", subject, Facts.Of(("from", Word.Of(before.Role)), ("to", row.Role))), cancellation);
        if (after.Status != before.Status)
            await tx.AuditAsync(caller.Act(after.Status == AccountStatus.Active ? "user.enabled" : "user.disabled", subject), cancellation);
        await tx.CommitAsync(cancellation);
        return new ChangeUserOutcome.Done(after);
    }

    private static bool IsActiveAdmin(UserView user) => user is { Role: Role.Admin, Status: AccountStatus.Active };
}

/// <summary>What is not given stays as it is.</summary>
internal sealed record UserChange(Role? Role = null, AccountStatus? Status = null);

internal abstract record ChangeUserOutcome
{
    private ChangeUserOutcome() { }

    internal sealed record Done(UserView User) : ChangeUserOutcome;

    internal sealed record NothingAsked : ChangeUserOutcome;

    internal sealed record NotFound : ChangeUserOutcome;

    internal sealed record LastAdmin : ChangeUserOutcome;
}
