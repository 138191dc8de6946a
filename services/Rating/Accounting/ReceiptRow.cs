using System.Text.Json;
using System.Text.Json.Serialization;

namespace HpcBilling.Rating.Accounting;

/// <summary>A receipt as the table holds it.</summary>
internal sealed record ReceiptRow(
    Guid Id, string Kind, string Number, string Username, string Status, string Currency, long TotalMinor, int Runs, int Adjustments,
    decimal CpuCoreSeconds, decimal GpuSeconds, decimal MemoryMibSeconds, DateTimeOffset? FirstEndedAt, DateTimeOffset? LastEndedAt,
    DateTimeOffset Until, string Rates, string IssuedBy, DateTimeOffset IssuedAt, DateTimeOffset? SettledAt, string? Provider,
    string? RefundedBy, string? RefundNote)
{
    public const string Columns = """
        id, kind, number, username, status, currency, total_minor, runs, adjustments, cpu_core_seconds, gpu_seconds, memory_mib_seconds,
        first_ended_at, last_ended_at, until, rates::text AS rates, issued_by, issued_at, settled_at, provider, refunded_by, refund_note
        """;

    public ReceiptView ToView() => new(
        Id, Kind, Number, Username, Status, Currency, TotalMinor, Runs, Adjustments, Hours.Of(CpuCoreSeconds), Hours.Of(GpuSeconds),
        Hours.OfMib(MemoryMibSeconds), FirstEndedAt, LastEndedAt, Until, JsonSerializer.Deserialize<RateView[]>(Rates, JsonSerializerOptions.Web)!,
        IssuedBy, IssuedAt, SettledAt, Provider)
    {
        RefundedBy = RefundedBy,
        RefundNote = RefundNote,
    };
}

/// <summary>A receipt as its owner sees it.</summary>
/// <remarks>
/// Kind: <c>receipt</c>, or <c>credit_note</c> with a total below zero. Hours and ends are those of its runs, without adjustments; the ends are
/// null where it has no run. Rates: every tariff version that priced a line, as it was when the receipt was issued.
/// </remarks>
internal sealed record ReceiptView(
    Guid Id, string Kind, string Number, string Username, string Status, string Currency, long TotalMinor, int Runs, int Adjustments,
    decimal CpuCoreHours, decimal GpuHours, decimal MemoryGibHours, DateTimeOffset? FirstEndedAt, DateTimeOffset? LastEndedAt,
    DateTimeOffset Until, IReadOnlyList<RateView> Rates, string IssuedBy, DateTimeOffset IssuedAt, DateTimeOffset? SettledAt, string? Provider)
{
    /// <summary>Who recorded that a credit note was paid back.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RefundedBy { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RefundNote { get; init; }

    /// <summary>A page of its lines, runs before adjustments; absent in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ItemView>? Items { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AdjustmentView>? AdjustmentItems { get; init; }

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

/// <summary>One adjustment: what the run's lines before said together, what it costs now, and the difference, which is what this document bills.</summary>
/// <remarks>Changed: the facts that differ. Reason: why it is free now; null where it has a price.</remarks>
internal sealed record AdjustmentView
{
    public int Line { get; init; }
    public string JobKey { get; init; } = "";
    public int Revision { get; init; }
    public Guid Corrects { get; init; }
    public string CorrectsNumber { get; init; } = "";
    public string[] Changed { get; init; } = [];
    public string? Reason { get; init; }
    public string Cluster { get; init; } = "";
    public string JobId { get; init; } = "";
    public string Account { get; init; } = "";
    public string Partition { get; init; } = "";
    public string Qos { get; init; } = "";
    public string State { get; init; } = "";
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset EndedAt { get; init; }
    public long ChargedSeconds { get; init; }
    public long Cpus { get; init; }
    public long Gpus { get; init; }
    public long MemoryMib { get; init; }
    public DateTimeOffset BeforeEndedAt { get; init; }
    public long BeforeChargedSeconds { get; init; }
    public long BeforeCpus { get; init; }
    public long BeforeGpus { get; init; }
    public long BeforeMemoryMib { get; init; }
    public string Tier { get; init; } = "";
    public int? TariffVersion { get; init; }
    public string Currency { get; init; } = "";
    public long BeforeCpuMinor { get; init; }
    public long BeforeGpuMinor { get; init; }
    public long BeforeMemoryMinor { get; init; }
    public long BeforeMinor { get; init; }
    public long CpuMinor { get; init; }
    public long GpuMinor { get; init; }
    public long MemoryMinor { get; init; }
    public long AmountMinor { get; init; }
    public long CpuDifferenceMinor => CpuMinor - BeforeCpuMinor;
    public long GpuDifferenceMinor => GpuMinor - BeforeGpuMinor;
    public long MemoryDifferenceMinor => MemoryMinor - BeforeMemoryMinor;
    public long DifferenceMinor { get; init; }
}
