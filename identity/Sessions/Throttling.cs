using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Sessions;

/// <summary>Counts tries in a transaction of the caller's, and records when a lock begins and ends.</summary>
internal static class Throttling
{
    /// <summary>Before a try is looked at.</summary>
    /// <returns>False when it must be refused, whatever it is.</returns>
    public static async Task<bool> BeginAsync(
        OrgTransaction tx, ThrottleKey key, Account? account, ThrottleLimits limits, DateTimeOffset now, CancellationToken cancellation)
    {
        ThrottleState state = await ThrottleStore.LockRowAsync(tx, key, now, cancellation);
        if (LoginThrottle.Begin(state, limits, now) is not ThrottleVerdict.Try counted) return false;
        await ThrottleStore.WriteAsync(tx, key, counted.Next, cancellation);
        if (counted.LockEnded) await tx.AuditAsync(LoginAct.Of(account, "lockout.end", key.IpAddress), cancellation);
        return true;
    }

    /// <summary>After a try that was counted turned out wrong.</summary>
    public static async Task FailAsync(
        OrgTransaction tx, ThrottleKey key, Account? account, ThrottleLimits limits, DateTimeOffset now, CancellationToken cancellation)
    {
        ThrottleState state = await ThrottleStore.LockRowAsync(tx, key, now, cancellation);
        ThrottleState next = LoginThrottle.Fail(state, limits, now);
        if (next == state) return;
        await ThrottleStore.WriteAsync(tx, key, next, cancellation);
        await tx.AuditAsync(LoginAct.Of(account, "lockout.start", key.IpAddress, ("until", $"{next.LockedUntil:O}")), cancellation);
    }
}
