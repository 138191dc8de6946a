namespace HpcBilling.Ui.Backend;

/// <summary>
/// A run with what it cost, in minor units. Its status is <c>unfinished</c>, <c>exempt</c>, <c>unpriced</c> (both with a reason),
/// <c>unbilled</c> or <c>billed</c>. Of what it held it used a share from 0 on, which is null while nobody knows it.
/// </summary>
public sealed record UsageRun(
    string JobId,
    string Cluster,
    string Username,
    string Account,
    string Partition,
    string Qos,
    string State,
    DateTimeOffset SubmittedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt,
    long ChargedSeconds,
    long Cpus,
    long Gpus,
    long MemoryMib,
    string Status,
    string? Reason,
    string Tier,
    int? TariffVersion,
    string? Currency,
    long? CpuMinor,
    long? GpuMinor,
    long? MemoryMinor,
    long? AmountMinor,
    Guid? ReceiptId,
    string? ReceiptNumber,
    decimal? CpuEfficiency = null,
    decimal? MemoryEfficiency = null)
{
    public decimal CpuCoreHours => UnitHours.Of(Cpus, ChargedSeconds);

    public decimal GpuHours => UnitHours.Of(Gpus, ChargedSeconds);

    public decimal MemoryGibHours => UnitHours.OfMib(MemoryMib, ChargedSeconds);
}

/// <summary>Count × seconds as unit-hours with four decimals, rounded once, half away from zero.</summary>
public static class UnitHours
{
    private const int Decimals = 4;
    private const decimal SecondsPerHour = 3600;
    private const decimal MibPerGib = 1024;

    public static decimal Of(long count, long seconds) => Round(count * (decimal)seconds / SecondsPerHour);

    public static decimal OfMib(long mib, long seconds) => Round(mib * (decimal)seconds / (SecondsPerHour * MibPerGib));

    private static decimal Round(decimal hours) => decimal.Round(hours, Decimals, MidpointRounding.AwayFromZero);
}

/// <summary>Finished runs of a month in the site's zone, added up by account and partition. No currency: none of them is priced.</summary>
public sealed record UsageGroup(
    string Month,
    string Account,
    string Partition,
    long Runs,
    long Billed,
    decimal CpuCoreHours,
    decimal GpuHours,
    decimal MemoryGibHours,
    long AmountMinor,
    long BilledMinor,
    string? Currency);

/// <summary>Sums over a period. Corrected: billed runs of which newer facts wait for the next receipt; the amounts do not count them yet.</summary>
public sealed record UsageTotals(
    long Runs,
    long Finished,
    long Billed,
    long Unbilled,
    long Exempt,
    long Unpriced,
    decimal CpuCoreHours,
    decimal GpuHours,
    decimal MemoryGibHours,
    long AmountMinor,
    long BilledMinor,
    string Currency,
    long Corrected = 0)
{
    public long UnbilledMinor => AmountMinor - BilledMinor;
}

/// <summary>Rates of a tier, major units per unit-hour.</summary>
public sealed record Formula(
    string Type,
    int Version,
    string Currency,
    decimal CpuCoreHour,
    decimal GpuHour,
    decimal MemoryGibHour,
    DateTimeOffset EffectiveFrom);

/// <summary>Every tier with its rates now and its history.</summary>
public sealed record TariffList(string Currency, IReadOnlyList<TierTariffs> Tiers);

/// <summary>A tier: what is in force (null before its first version starts) and its versions, newest first, future ones included.</summary>
public sealed record TierTariffs(string Tier, bool IsDefault, Formula? Current, IReadOnlyList<TariffVersion> History);

/// <summary>One published version of a tier's tariff.</summary>
public sealed record TariffVersion(
    int Version,
    DateTimeOffset EffectiveFrom,
    string Currency,
    decimal CpuCoreHour,
    decimal GpuHour,
    decimal MemoryGibHour,
    string PublishedBy,
    DateTimeOffset PublishedAt);

/// <summary>What one job of that shape would cost, each TRES rounded once.</summary>
public sealed record Estimate(
    string Tier,
    int Version,
    string Currency,
    long CpuMinor,
    long GpuMinor,
    long MemoryMinor,
    long AmountMinor,
    Formula Rates);

/// <summary>
/// A receipt without its lines; its status is <c>issued</c>, <c>paid</c> or <c>void</c>. One below zero is a credit note, <c>issued</c> or
/// <c>refunded</c>.
/// </summary>
public sealed record ReceiptSummary(
    Guid Id,
    string Number,
    string Username,
    string Status,
    long TotalMinor,
    string Currency,
    long Runs,
    DateTimeOffset Until,
    DateTimeOffset IssuedAt,
    DateTimeOffset? SettledAt,
    string? Kind = null,
    long Adjustments = 0)
{
    public bool IsCreditNote => Kind == Receipt.CreditNote;
}

/// <summary>A receipt with one page of its lines and a snapshot of the tariffs that they were priced by.</summary>
public sealed record Receipt(
    Guid Id,
    string Number,
    string Username,
    string Status,
    long TotalMinor,
    string Currency,
    long Runs,
    decimal CpuCoreHours,
    decimal GpuHours,
    decimal MemoryGibHours,
    DateTimeOffset? FirstEndedAt,
    DateTimeOffset? LastEndedAt,
    DateTimeOffset Until,
    DateTimeOffset IssuedAt,
    string? IssuedBy,
    DateTimeOffset? SettledAt,
    string? Provider,
    IReadOnlyList<ReceiptRate> Rates,
    IReadOnlyList<ReceiptLine> Items,
    string? NextCursor,
    string? Kind = null,
    long Adjustments = 0,
    IReadOnlyList<AdjustmentLine>? AdjustmentItems = null,
    string? RefundNote = null)
{
    internal const string CreditNote = "credit_note";

    public bool IsCreditNote => Kind == CreditNote;
}

/// <summary>One run on a receipt.</summary>
public sealed record ReceiptLine(
    int Line,
    string JobId,
    string Cluster,
    string Account,
    string Partition,
    string State,
    DateTimeOffset StartedAt,
    DateTimeOffset EndedAt,
    long ChargedSeconds,
    long Cpus,
    long Gpus,
    long MemoryMib,
    string Tier,
    int TariffVersion,
    long CpuMinor,
    long GpuMinor,
    long MemoryMinor,
    long AmountMinor)
{
    public decimal CpuCoreHours => UnitHours.Of(Cpus, ChargedSeconds);

    public decimal GpuHours => UnitHours.Of(Gpus, ChargedSeconds);

    public decimal MemoryGibHours => UnitHours.OfMib(MemoryMib, ChargedSeconds);
}

/// <summary>What later facts of a run change in what it costs: what its lines before say together, what it costs now, and the difference, which is billed here.</summary>
public sealed record AdjustmentLine(
    int Line,
    Guid Corrects,
    string CorrectsNumber,
    IReadOnlyList<string> Changed,
    string? Reason,
    string JobId,
    string Cluster,
    string Account,
    string Partition,
    string State,
    DateTimeOffset? StartedAt,
    DateTimeOffset EndedAt,
    long ChargedSeconds,
    long Cpus,
    long Gpus,
    long MemoryMib,
    long BeforeChargedSeconds,
    long BeforeCpus,
    long BeforeGpus,
    long BeforeMemoryMib,
    string Tier,
    int? TariffVersion,
    long BeforeMinor,
    long AmountMinor,
    long CpuDifferenceMinor,
    long GpuDifferenceMinor,
    long MemoryDifferenceMinor,
    long DifferenceMinor);

/// <summary>Outcome of asking for a receipt; status <c>nothing_to_bill</c> when there was no unbilled run, and then the rest is null.</summary>
public sealed record IssuedReceipt(Guid? Id, string? Number, string? Status);

/// <summary>A tariff version as a receipt keeps it.</summary>
public sealed record ReceiptRate(string Tier, int Version, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour);
