namespace HpcBilling.Gateway.Revocation;

/// <summary>
/// Whether revocations reach this replica. It is not taken on trust: the feed hears a pulse of its own through the same queue, so that
/// a broker which is gone, stuck or unreachable is noticed before a second has passed.
/// </summary>
internal sealed class FeedHealth(TimeProvider clock)
{
    public static readonly TimeSpan PulseEvery = TimeSpan.FromMilliseconds(150);

    /// <summary>Silence that means that a revocation could be missing.</summary>
    public static readonly TimeSpan SilenceMax = TimeSpan.FromMilliseconds(600);

    private readonly Lock gate = new();
    private long? heard;
    private long since;

    /// <summary>A pulse came through: so did everything that was said before it.</summary>
    /// <returns>True when it is the first after a silence.</returns>
    public bool Heard()
    {
        lock (gate)
        {
            long now = clock.GetTimestamp();
            bool again = !IsAlive(now);
            if (again) since = now;
            heard = now;
            return again;
        }
    }

    /// <summary>The queue is lost or begins anew: what was said meanwhile was not heard.</summary>
    public void Interrupted()
    {
        lock (gate) heard = null;
    }

    public bool IsAlive()
    {
        lock (gate) return IsAlive(clock.GetTimestamp());
    }

    /// <summary>Has every revocation been heard since that moment, and is still?</summary>
    /// <param name="timestamp">Of the clock's <see cref="TimeProvider.GetTimestamp"/>.</param>
    public bool Covers(long timestamp)
    {
        lock (gate) return IsAlive(clock.GetTimestamp()) && timestamp >= since;
    }

    private bool IsAlive(long now) => heard is { } last && clock.GetElapsedTime(last, now) <= SilenceMax;
}
