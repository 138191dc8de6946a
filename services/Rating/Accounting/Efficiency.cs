namespace HpcBilling.Rating.Accounting;

/// <summary>How much of what was allocated was used: 0 for nothing, 1 for all of it, four decimals. Shown, and no part of a price.</summary>
internal static class Efficiency
{
    private const int Decimals = 4;
    private const decimal MillisecondsPerSecond = 1000;
    private const decimal BytesPerMib = 1024 * 1024;

    /// <summary>CPU time that was consumed, of the CPU time that was allocated.</summary>
    /// <param name="usedMilliseconds">Null when nobody measured it.</param>
    /// <param name="cpus">Allocated.</param>
    /// <param name="seconds">That the run held them.</param>
    /// <returns>Null when it is unknown, or when nothing was held. Above 1 where Slurm counted more than was allocated.</returns>
    public static decimal? OfCpu(long? usedMilliseconds, long cpus, long seconds) =>
        cpus > 0 && seconds > 0 ? Round(usedMilliseconds / MillisecondsPerSecond / ((decimal)cpus * seconds)) : null;

    /// <summary>Peak memory of the largest step, of the memory that was allocated.</summary>
    /// <param name="usedBytes">Null when nobody measured it.</param>
    /// <param name="allocatedMib">Over all nodes; 0 where the cluster allocates no memory.</param>
    /// <returns>Null when it is unknown, or when nothing was allocated.</returns>
    public static decimal? OfMemory(long? usedBytes, long allocatedMib) => allocatedMib > 0 ? Round(usedBytes / BytesPerMib / allocatedMib) : null;

    private static decimal? Round(decimal? share) => share is { } known ? decimal.Round(known, Decimals, MidpointRounding.AwayFromZero) : null;
}
