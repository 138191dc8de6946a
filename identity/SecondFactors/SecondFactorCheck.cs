using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.SecondFactors;

/// <summary>
/// Throttled check of a code: of the authenticator, or a recovery code. Tries count with those at the password from the same address, and
/// besides for the account as a whole, since six digits do not stand up to many addresses.
/// </summary>
internal sealed class SecondFactorCheck(Database database, SecondFactorStore store, IOptions<IdentityOptions> options, TimeProvider clock)
{
    private const int AccountFactor = 4;

    private ThrottleLimits ForAddress => options.Value.Throttle;

    private ThrottleLimits ForAccount => ForAddress with { FailuresMax = ForAddress.FailuresMax * AccountFactor };

    /// <param name="activity">First words of the audit actions: <c>…start</c> and <c>…failure</c> follow.</param>
    /// <param name="orgId">Org of the account.</param>
    /// <param name="account">Whose code it should be.</param>
    /// <param name="code">As typed.</param>
    /// <param name="ipAddress">Client address as the gateway saw it.</param>
    /// <param name="cancellation">Cancels it; a try that was counted stays counted.</param>
    public async Task<SecondFactorOutcome> RunAsync(
        string activity, Guid orgId, Account account, string code, string ipAddress, CancellationToken cancellation)
    {
        bool mayTry = await BeginAsync(activity, orgId, account, ipAddress, cancellation);
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(orgId, cancellation);
        if (mayTry && await UseAsync(tx, account.UserId, code, now, cancellation) is { } kind)
        {
            await tx.CommitAsync(cancellation);
            return new SecondFactorOutcome.Right(kind);
        }

        await tx.AuditAsync(LoginAct.Of(account, activity + ".failure", ipAddress, ("reason", mayTry ? "code" : "locked")), cancellation);
        if (mayTry)
        {
            await Throttling.FailAsync(tx, AddressKey(account, ipAddress), account, ForAddress, now, cancellation);
            await Throttling.FailAsync(tx, AccountKey(account), account, ForAccount, now, cancellation);
        }

        await tx.CommitAsync(cancellation);
        return new SecondFactorOutcome.Refused();
    }

    /// <summary>In the transaction that acts on a right code.</summary>
    public static async Task ForgiveAsync(OrgTransaction tx, Account account, string ipAddress, CancellationToken cancellation)
    {
        await ThrottleStore.ForgetAsync(tx, AddressKey(account, ipAddress), cancellation);
        await ThrottleStore.ForgetAsync(tx, AccountKey(account), cancellation);
    }

    private async Task<bool> BeginAsync(string activity, Guid orgId, Account account, string ipAddress, CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginAsync(orgId, cancellation);
        bool mayTry = await Throttling.BeginAsync(tx, AddressKey(account, ipAddress), account, ForAddress, now, cancellation)
            && await Throttling.BeginAsync(tx, AccountKey(account), account, ForAccount, now, cancellation);
        await tx.AuditAsync(LoginAct.Of(account, activity + ".start", ipAddress), cancellation);
        await tx.CommitAsync(cancellation);
        return mayTry;
    }

    /// <returns>What kind of code it was; null for a wrong one.</returns>
    private async Task<string?> UseAsync(OrgTransaction tx, Guid userId, string code, DateTimeOffset now, CancellationToken cancellation)
    {
        if (await store.FindAsync(tx, userId, cancellation) is not { IsEnabled: true } factor) return null;
        if (await SecondFactorStore.UseCodeAsync(tx, userId, factor, code, now, cancellation)) return "totp";
        return await SecondFactorStore.UseRecoveryCodeAsync(tx, userId, code, now, cancellation) ? "recovery_code" : null;
    }

    private static ThrottleKey AddressKey(Account account, string ipAddress) => new(account.Username, ipAddress);

    private static ThrottleKey AccountKey(Account account) => new(account.Username, ThrottleKey.AnyAddress);
}

internal abstract record SecondFactorOutcome
{
    private SecondFactorOutcome() { }

    /// <param name="Kind"><c>totp</c> or <c>recovery_code</c>; it is used up.</param>
    internal sealed record Right(string Kind) : SecondFactorOutcome;

    /// <summary>No reason is given on purpose.</summary>
    internal sealed record Refused : SecondFactorOutcome;
}
