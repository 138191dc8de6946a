namespace HpcBilling.Identity.Domain;

/// <summary>How many tries one username may have from one address, and for how long it then waits.</summary>
/// <param name="FailuresMax">The failure with this number locks.</param>
/// <param name="Window">Failures older than this, counted from the first of them, are forgotten.</param>
/// <param name="Lock">How long a lock lasts.</param>
internal sealed record ThrottleLimits(int FailuresMax, TimeSpan Window, TimeSpan Lock);

/// <summary>What is remembered of one (username, address).</summary>
/// <param name="Failures">Tries of this window that have not succeeded; one that is still being checked counts.</param>
/// <param name="WindowStartedAt">UTC, first try of the window.</param>
/// <param name="LockedUntil">UTC; null when it was not locked.</param>
internal sealed record ThrottleState(int Failures, DateTimeOffset WindowStartedAt, DateTimeOffset? LockedUntil);

/// <summary>Whether a try may be made.</summary>
internal abstract record ThrottleVerdict
{
    private ThrottleVerdict() { }

    /// <param name="Next">State with this try counted.</param>
    /// <param name="LockEnded">An earlier lock ran out.</param>
    internal sealed record Try(ThrottleState Next, bool LockEnded) : ThrottleVerdict;

    internal sealed record Refuse : ThrottleVerdict;
}

/// <summary>
/// A try is counted before the password is checked and forgiven when it was right. Counting afterwards would let any number
/// of simultaneous tries through before the first of them is counted; a crash in between counts against the caller.
/// </summary>
internal static class LoginThrottle
{
    public static ThrottleVerdict Begin(ThrottleState state, ThrottleLimits limits, DateTimeOffset now)
    {
        if (state.LockedUntil > now) return new ThrottleVerdict.Refuse();
        bool lockEnded = state.LockedUntil is not null;
        if (lockEnded || now - state.WindowStartedAt >= limits.Window)
            return new ThrottleVerdict.Try(new ThrottleState(1, now, null), lockEnded);
        return state.Failures >= limits.FailuresMax
            ? new ThrottleVerdict.Refuse()
            : new ThrottleVerdict.Try(state with { Failures = state.Failures + 1 }, LockEnded: false);
    }

    /// <summary>State after a counted try turned out wrong.</summary>
    /// <returns>The same state, or one that is locked from now on.</returns>
    public static ThrottleState Fail(ThrottleState state, ThrottleLimits limits, DateTimeOffset now) =>
        state.LockedUntil is null && state.Failures >= limits.FailuresMax ? state with { LockedUntil = now + limits.Lock } : state;
}
