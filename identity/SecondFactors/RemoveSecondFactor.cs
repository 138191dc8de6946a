using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.SecondFactors;

/// <summary>An admin takes a lost second factor off an account; its sessions end.</summary>
internal sealed class RemoveSecondFactor(Database database, TimeProvider clock)
{
    public async Task<RemoveSecondFactorOutcome> RunAsync(Caller caller, Guid userId, CancellationToken cancellation)
    {
        // One's own is turned off with password and code: whoever finds an open browser must not get around that.
        if (userId == caller.UserId) return new RemoveSecondFactorOutcome.OneOwn();
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        if (await UserView.FindAsync(tx, userId, now, cancellation) is not { } user) return new RemoveSecondFactorOutcome.NotFound();
        if (!user.HasSecondFactor || !await SecondFactorStore.ForgetAsync(tx, userId, cancellation)) return new RemoveSecondFactorOutcome.HasNone();

        await PendingSignIns.ForgetAsync(tx, userId, cancellation);
        await RevokeSessions.AllAsync(tx, userId, except: null, now, cancellation);
        await tx.AuditAsync(caller.Act("user.second_factor_removed", "user:" + user.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return new RemoveSecondFactorOutcome.Done(user with { HasSecondFactor = false });
    }
}

internal abstract record RemoveSecondFactorOutcome
{
    private RemoveSecondFactorOutcome() { }

    internal sealed record Done(UserView User) : RemoveSecondFactorOutcome;

    internal sealed record NotFound : RemoveSecondFactorOutcome;

    internal sealed record HasNone : RemoveSecondFactorOutcome;

    internal sealed record OneOwn : RemoveSecondFactorOutcome;
}
