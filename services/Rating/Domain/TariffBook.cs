namespace HpcBilling.Rating.Domain;

/// <summary>Every published version of every tier of an org.</summary>
internal sealed class TariffBook(IEnumerable<TariffVersion> versions)
{
    // Newest effect first; of two with the same effect the later published corrects the earlier.
    private readonly Dictionary<string, TariffVersion[]> newestFirst = versions
        .GroupBy(version => version.Tier, StringComparer.Ordinal)
        .ToDictionary(
            tier => tier.Key,
            tier => tier.OrderByDescending(version => version.EffectiveFrom).ThenByDescending(version => version.Version).ToArray(),
            StringComparer.Ordinal);

    public bool Knows(string tier) => newestFirst.ContainsKey(tier);

    /// <summary>The version that prices a run of this tier that ended at <paramref name="instant"/>; null when none had taken effect.</summary>
    public TariffVersion? InForce(string tier, DateTimeOffset instant) => newestFirst.TryGetValue(tier, out var candidates)
        ? Array.Find(candidates, version => version.EffectiveFrom <= instant)
        : null;
}
