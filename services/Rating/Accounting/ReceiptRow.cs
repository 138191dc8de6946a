using System.Text.Json;
using System.Text.Json.Serialization;

namespace HpcBilling.Rating.Accounting;

/// <summary>A receipt as the table holds it.</summary>
internal sealed record ReceiptRow(
    Guid Id, string Number, string Username, string Status, string Currency, long TotalMinor, int Runs, decimal CpuCoreSeconds,
    decimal GpuSeconds, decimal MemoryMibSeconds, DateTimeOffset FirstEndedAt, DateTimeOffset LastEndedAt, DateTimeOffset Until,
    string Rates, string IssuedBy, DateTimeOffset IssuedAt, DateTimeOffset? SettledAt, string? Provider)
{
    public const string Columns = """
        id, number, username, status, currency, total_minor, runs, cpu_core_seconds, gpu_seconds, memory_mib_seconds, first_ended_at,
        last_ended_at, until, rates::text AS rates, issued_by, issued_at, settled_at, provider
        """;

    public ReceiptView ToView() => new(
        Id, Number, Username, Status, Currency, TotalMinor, Runs, Hours.Of(CpuCoreSeconds), Hours.Of(GpuSeconds), Hours.OfMib(MemoryMibSeconds),
        FirstEndedAt, LastEndedAt, Until, JsonSerializer.Deserialize<RateView[]>(Rates, JsonSerializerOptions.Web)!, IssuedBy, IssuedAt, SettledAt, Provider);
}

/// <summary>A receipt as its owner sees it.</summary>
/// <remarks>Rates: every tariff version that priced a line, as it was when the receipt was issued.</remarks>
internal sealed record ReceiptView(
    Guid Id, string Number, string Username, string Status, string Currency, long TotalMinor, int Runs, decimal CpuCoreHours,
    decimal GpuHours, decimal MemoryGibHours, DateTimeOffset FirstEndedAt, DateTimeOffset LastEndedAt, DateTimeOffset Until,
    IReadOnlyList<RateView> Rates, string IssuedBy, DateTimeOffset IssuedAt, DateTimeOffset? SettledAt, string? Provider)
{
    /// <summary>A page of its lines; absent in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ItemView>? Items { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NextCursor { get; init; }
}

/// <summary>A tariff version as the receipt keeps it; rates in major currency units per unit-hour.</summary>
internal sealed record RateView(
    string Tier, int Version, DateTimeOffset EffectiveFrom, string Currency, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour);

/// <summary>One line of a receipt: a run, what it held, and what it cost.</summary>
internal sealed record ItemView(
    int Line, string JobKey, string Cluster, string JobId, string Account, string Partition, string Qos, string State,
    DateTimeOffset StartedAt, DateTimeOffset EndedAt, long ChargedSeconds, long Cpus, long Gpus, long MemoryMib, string Tier,
    int TariffVersion, string Currency, long CpuMinor, long GpuMinor, long MemoryMinor, long AmountMinor);
