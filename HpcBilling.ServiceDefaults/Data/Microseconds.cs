namespace HpcBilling.ServiceDefaults.Data;

/// <summary>Instants at the precision that PostgreSQL keeps.</summary>
public static class Microseconds
{
    /// <returns>The instant in UTC, cut to whole microseconds, so that a stored value equals the one in memory.</returns>
    public static DateTimeOffset Truncate(DateTimeOffset instant)
    {
        long ticks = instant.UtcTicks;
        return new DateTimeOffset(ticks - (ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }
}
