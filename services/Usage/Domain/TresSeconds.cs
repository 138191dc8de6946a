using System.Globalization;

namespace HpcBilling.Usage.Domain;

/// <summary>What a run held, by Slurm's names of the resources: count × charged seconds. Memory in MiB-seconds.</summary>
internal static class TresSeconds
{
    // Above it, Slurm's "unset" (2⁶⁴−2) and garbage begin; and a month's sum stays a decimal.
    private const decimal CountMax = 1e15m;

    /// <summary>Every resource of a run. <c>gres/gpu</c> is the total that typed ones split: they are never added to it.</summary>
    public static IEnumerable<(string Tres, decimal UnitSeconds)> Of(Tres tres, long seconds) =>
        CountsOf(tres).Where(entry => entry.Count != 0).Select(entry => (entry.Name, entry.Count * seconds));

    private static IEnumerable<(string Name, decimal Count)> CountsOf(Tres tres)
    {
        yield return ("cpu", tres.Cpus);
        yield return ("mem", tres.MemoryMib);
        yield return ("node", tres.Nodes);
        yield return ("gres/gpu", tres.Gpus);
        yield return ("billing", tres.Billing ?? 0);
        foreach ((string type, decimal count) in Entries(tres.GpusByType)) yield return ("gres/gpu:" + type, count);
        foreach (var other in Entries(tres.Other)) yield return other;
    }

    private static IEnumerable<(string Name, decimal Count)> Entries(string? list)
    {
        if (list is null) yield break;
        foreach (string entry in list.Split(','))
        {
            int equals = entry.LastIndexOf('=');
            // What is no number has no sum; as a fact it is compared as it is written.
            if (equals > 0 && TryCount(entry[(equals + 1)..], out decimal count)) yield return (entry[..equals], count);
        }
    }

    private static bool TryCount(string text, out decimal count)
    {
        int power = text.Length == 0 ? 0 : "KMGTP".IndexOf(text[^1], StringComparison.Ordinal) + 1;
        if (!decimal.TryParse(power > 0 ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out count) || count > CountMax) return false;
        while (power-- > 0 && count <= CountMax) count *= 1024;
        return count <= CountMax;
    }
}
