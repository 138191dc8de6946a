namespace HpcBilling.Usage.Domain;

/// <summary>Trackable resources that a run was allocated: totals over all its nodes, never to be multiplied by the node count.</summary>
/// <param name="Cpus">CPUs.</param>
/// <param name="MemoryMib">Memory, MiB.</param>
/// <param name="Nodes">Nodes.</param>
/// <param name="Gpus">GPUs of every type together.</param>
/// <param name="Billing">The scheduler's own integer billing rate; null when it gave none.</param>
/// <param name="GpusByType"><c>a100=4,v100=2</c>, sorted by type; null when no type is named. They split <paramref name="Gpus"/>.</param>
/// <param name="Other">Every other resource as Slurm wrote it (<c>fs/disk=…,license/x=1</c>), sorted by name; null when there is none.</param>
internal sealed record Tres(long Cpus, long MemoryMib, long Nodes, long Gpus, long? Billing, string? GpusByType, string? Other)
{
    /// <summary>What a job holds that was never given anything.</summary>
    public static Tres None { get; } = new(0, 0, 0, 0, null, null, null);

    /// <summary>GPUs by model, of <see cref="GpusByType"/>.</summary>
    public static IReadOnlyDictionary<string, long> ReadGpusByType(string? gpusByType)
    {
        if (gpusByType is null) return new Dictionary<string, long>(StringComparer.Ordinal);

        return gpusByType.Split(',')
            .Select(entry => entry.Split('='))
            .ToDictionary(entry => entry[0], entry => long.Parse(entry[1], System.Globalization.CultureInfo.InvariantCulture), StringComparer.Ordinal);
    }
}
