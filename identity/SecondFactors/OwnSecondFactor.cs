using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.SecondFactors;

/// <summary>A caller sets up a second factor of his own, renews its recovery codes, or turns it off.</summary>
internal sealed class OwnSecondFactor(
    SecondFactorStore store, SecondFactorCheck check, PasswordCheck passwordCheck, Database database, TimeProvider clock)
{
    public async Task<OwnSecondFactorState> ReadAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        bool hasPassword = await Account.FindAsync(tx, caller.UserId, cancellation) is { PasswordHash: not null };
        return await store.FindAsync(tx, caller.UserId, cancellation) switch
        {
            { IsEnabled: true } => new OwnSecondFactorState.On(
                await SecondFactorStore.UnusedRecoveryCodesAsync(tx, caller.UserId, cancellation), hasPassword),
            { Secret: { } secret } => new OwnSecondFactorState.Waiting(secret),
            _ => new OwnSecondFactorState.Off(),
        };
    }

    /// <summary>A new secret for the authenticator; one that is in use already stays.</summary>
    public async Task BeginAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        await store.BeginAsync(tx, caller.UserId, clock.GetUtcNow(), cancellation);
        await tx.CommitAsync(cancellation);
    }

    /// <summary>The first code shows that the authenticator has the secret and the right time; from here on signing in asks for one.</summary>
    public async Task<OwnSecondFactorOutcome> ConfirmAsync(Caller caller, Guid session, string code, CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        if (await store.FindAsync(tx, caller.UserId, cancellation) is not { IsEnabled: false } factor) return new OwnSecondFactorOutcome.Refused();
        if (!await SecondFactorStore.UseCodeAsync(tx, caller.UserId, factor, code, now, cancellation)) return new OwnSecondFactorOutcome.Refused();

        IReadOnlyList<string> codes = await SecondFactorStore.RenewRecoveryCodesAsync(tx, caller.UserId, cancellation);
        RotatedSession? rotated = await RotateSession.RunAsync(tx, caller.UserId, session, now, cancellation);
        await RevokeSessions.AllAsync(tx, caller.UserId, except: rotated?.SessionId, now, cancellation);
        await tx.AuditAsync(caller.Act("second_factor.enabled", "user:" + caller.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return new OwnSecondFactorOutcome.Done(codes, rotated);
    }

    public async Task<OwnSecondFactorOutcome> RenewCodesAsync(Caller caller, string code, CancellationToken cancellation)
    {
        if (!await IsRightAsync(caller, code, cancellation)) return new OwnSecondFactorOutcome.Refused();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        await ForgiveAsync(tx, caller, cancellation);
        IReadOnlyList<string> codes = await SecondFactorStore.RenewRecoveryCodesAsync(tx, caller.UserId, cancellation);
        await tx.AuditAsync(caller.Act("second_factor.codes_renewed", "user:" + caller.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return new OwnSecondFactorOutcome.Done(codes, Session: null);
    }

    /// <param name="caller">Who.</param>
    /// <param name="session">His session, which goes on under a new id; his others end.</param>
    /// <param name="password">The current one; an account that signs in elsewhere has none and needs none.</param>
    /// <param name="code">Of the authenticator, or a recovery code.</param>
    /// <param name="cancellation">Cancels it; a try that was counted stays counted.</param>
    public async Task<OwnSecondFactorOutcome> TurnOffAsync(
        Caller caller, Guid session, string password, string code, CancellationToken cancellation)
    {
        if (!await KnowsPasswordAsync(caller, password, cancellation)) return new OwnSecondFactorOutcome.Refused();
        if (!await IsRightAsync(caller, code, cancellation)) return new OwnSecondFactorOutcome.Refused();
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        await ForgiveAsync(tx, caller, cancellation);
        await SecondFactorStore.ForgetAsync(tx, caller.UserId, cancellation);
        await PendingSignIns.ForgetAsync(tx, caller.UserId, cancellation);
        RotatedSession? rotated = await RotateSession.RunAsync(tx, caller.UserId, session, now, cancellation);
        await RevokeSessions.AllAsync(tx, caller.UserId, except: rotated?.SessionId, now, cancellation);
        await tx.AuditAsync(caller.Act("second_factor.disabled", "user:" + caller.Username), cancellation);
        await tx.CommitAsync(cancellation);
        return new OwnSecondFactorOutcome.Done([], rotated);
    }

    private async Task<bool> KnowsPasswordAsync(Caller caller, string password, CancellationToken cancellation)
    {
        (Account? account, string slug) = await FindAsync(caller, cancellation);
        if (account is { PasswordHash: null }) return true;
        var attempt = new PasswordAttempt($"{caller.Username}@{slug}", password, caller.IpAddress ?? "");
        return await passwordCheck.RunAsync("second_factor_off", attempt, cancellation) is PasswordOutcome.Right;
    }

    private async Task<bool> IsRightAsync(Caller caller, string code, CancellationToken cancellation) =>
        (await FindAsync(caller, cancellation)).Account is { } account
        && await check.RunAsync("second_factor", caller.OrgId, account, code, caller.IpAddress ?? "", cancellation) is SecondFactorOutcome.Right;

    private async Task<(Account? Account, string Slug)> FindAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        return (await Account.FindAsync(tx, caller.UserId, cancellation), await Org.SlugAsync(tx, cancellation));
    }

    private static async Task ForgiveAsync(OrgTransaction tx, Caller caller, CancellationToken cancellation)
    {
        if (await Account.FindAsync(tx, caller.UserId, cancellation) is { } account)
            await SecondFactorCheck.ForgiveAsync(tx, account, caller.IpAddress ?? "", cancellation);
    }
}

internal abstract record OwnSecondFactorState
{
    private OwnSecondFactorState() { }

    internal sealed record Off : OwnSecondFactorState;

    /// <param name="Secret">For the authenticator; shown until a code has confirmed it.</param>
    internal sealed record Waiting(byte[] Secret) : OwnSecondFactorState;

    /// <param name="RecoveryCodesLeft">Unused ones.</param>
    /// <param name="HasPassword">Turning it off asks for the password as well.</param>
    internal sealed record On(long RecoveryCodesLeft, bool HasPassword) : OwnSecondFactorState;
}

internal abstract record OwnSecondFactorOutcome
{
    private OwnSecondFactorOutcome() { }

    /// <param name="RecoveryCodes">New ones, shown this once; empty when none were made.</param>
    /// <param name="Session">Takes the place of this browser's session; null when that stays or has ended.</param>
    internal sealed record Done(IReadOnlyList<string> RecoveryCodes, RotatedSession? Session) : OwnSecondFactorOutcome;

    /// <summary>A wrong password or code, or too many tries; which of them is not said.</summary>
    internal sealed record Refused : OwnSecondFactorOutcome;
}
