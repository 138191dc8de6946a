namespace HpcBilling.Rating.Domain;

/// <summary>Quantities a tariff can charge: allocated count × charged seconds.</summary>
/// <param name="CpuSeconds">Core-seconds.</param>
/// <param name="GpuSeconds">GPU-seconds.</param>
/// <param name="MemoryMibSeconds">MiB-seconds.</param>
internal sealed record ChargedTres(long CpuSeconds, long GpuSeconds, long MemoryMibSeconds)
{
    /// <exception cref="OverflowException">A quantity does not fit in 64 bits.</exception>
    public static ChargedTres Of(long cpus, long gpus, long memoryMib, long seconds) =>
        checked(new ChargedTres(cpus * seconds, gpus * seconds, memoryMib * seconds));
}
