using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Identity.Domain;

namespace HpcBilling.Domain.Tests.Identity;

public sealed class LoginThrottleTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 22, 8, 0, 0, TimeSpan.Zero);
    private static readonly ThrottleLimits Limits = new(FailuresMax: 5, Window: TimeSpan.FromMinutes(15), Lock: TimeSpan.FromMinutes(10));
    private static readonly ThrottleState Nothing = new(0, Start, null);

    [Fact]
    [Trait("Control", "AUTH-03")]
    public void The_fifth_failure_locks_for_the_stated_time()
    {
        ThrottleState state = Nothing;
        for (int failure = 1; failure <= Limits.FailuresMax; failure++)
        {
            Assert.Null(state.LockedUntil);
            state = LoginThrottle.Fail(Tried(state, Start), Limits, Start);
        }

        Assert.Equal(Start + Limits.Lock, state.LockedUntil);
        Assert.IsType<ThrottleVerdict.Refuse>(LoginThrottle.Begin(state, Limits, Start + Limits.Lock - TimeSpan.FromTicks(1)));
        var afterwards = Assert.IsType<ThrottleVerdict.Try>(LoginThrottle.Begin(state, Limits, Start + Limits.Lock));
        Assert.True(afterwards.LockEnded);
        Assert.Equal(new ThrottleState(1, Start + Limits.Lock, null), afterwards.Next);
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public void Tries_that_are_still_being_checked_count()
    {
        ThrottleState state = Nothing;
        for (int attempt = 0; attempt < Limits.FailuresMax; attempt++) state = Tried(state, Start);
        Assert.Null(state.LockedUntil);
        Assert.IsType<ThrottleVerdict.Refuse>(LoginThrottle.Begin(state, Limits, Start));
    }

    [Fact]
    [Trait("Control", "AUTH-03")]
    public void Failures_of_an_earlier_window_are_forgotten()
    {
        var almost = new ThrottleState(Limits.FailuresMax - 1, Start, null);
        Assert.Equal(Limits.FailuresMax, Tried(almost, Start + Limits.Window - TimeSpan.FromTicks(1)).Failures);
        Assert.Equal(new ThrottleState(1, Start + Limits.Window, null), Tried(almost, Start + Limits.Window));
    }

    // Four tries at the end of one window and five at the start of the next: a fixed window allows no more than that.
    [Fact]
    [Trait("Control", "AUTH-03")]
    public void However_they_are_timed_a_span_of_a_lock_holds_less_than_twice_the_limit_of_wrong_tries() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(),
        pauses =>
        {
            ThrottleState state = Nothing;
            DateTimeOffset now = Start;
            var allowed = new List<DateTimeOffset>();
            foreach (byte pause in pauses)
            {
                now += TimeSpan.FromSeconds(pause);
                if (LoginThrottle.Begin(state, Limits, now) is not ThrottleVerdict.Try attempt) continue;
                allowed.Add(now);
                state = LoginThrottle.Fail(attempt.Next, Limits, now);
            }

            return allowed.TrueForAll(first =>
                allowed.Count(other => other >= first && other < first + Limits.Lock) < 2 * Limits.FailuresMax);
        }).QuickCheckThrowOnFailure();

    private static ThrottleState Tried(ThrottleState state, DateTimeOffset now) =>
        Assert.IsType<ThrottleVerdict.Try>(LoginThrottle.Begin(state, Limits, now)).Next;
}
