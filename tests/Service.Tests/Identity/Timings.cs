namespace HpcBilling.Service.Tests.Identity;

/// <summary>
/// Compares samples of durations. By rank, not by mean: what else the machine does at the moment makes single samples long, and samples
/// that were taken in turn share that fate.
/// </summary>
internal static class Timings
{
    /// <summary>By how much one kind may be slower before it counts: the noise of a network hides more than that.</summary>
    private const double Tolerance = 0.25;

    /// <summary>Share of pairs in which one kind is slower, at which it is called slower: with 40 samples of each, chance alone reaches it less than once in a thousand times.</summary>
    private const double ShareMax = 0.75;

    public static bool AreAlike(IReadOnlyList<double> one, IReadOnlyList<double> other) => ShareSlower(one, other) < ShareMax && ShareSlower(other, one) < ShareMax;

    /// <returns>Of all pairs, the share in which the first is slower than the second by more than the tolerance (the statistic of Mann and Whitney).</returns>
    public static double ShareSlower(IReadOnlyList<double> first, IReadOnlyList<double> second) =>
        (double)first.Sum(one => second.Count(other => one > other * (1 + Tolerance))) / (first.Count * second.Count);
}
