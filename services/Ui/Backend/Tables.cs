using HpcBilling.Ui.Formatting;

namespace HpcBilling.Ui.Backend;

/// <summary>Model of the partial <c>_Runs</c>.</summary>
/// <param name="Page">One page of runs.</param>
/// <param name="ReceiptsPath">Where receipt numbers lead to: <c>/me/receipts</c> or <c>/admin/receipts</c>.</param>
/// <param name="ShowsUser">Runs of several users.</param>
public sealed record RunsTable(CursorPage<UsageRun> Page, string ReceiptsPath, bool ShowsUser);

/// <summary>Model of the partial <c>_ReceiptList</c>.</summary>
/// <param name="Page">One page of receipts.</param>
/// <param name="ReceiptsPath">Where receipt numbers lead to: <c>/me/receipts</c> or <c>/admin/receipts</c>.</param>
/// <param name="ShowsUser">Receipts of several users.</param>
/// <param name="IsPaged">False on a page that shows only the newest.</param>
public sealed record ReceiptsTable(CursorPage<ReceiptSummary> Page, string ReceiptsPath, bool ShowsUser, bool IsPaged = true);

/// <summary>What differs in an adjusted run, in words.</summary>
public static class Changes
{
    public static string Of(AdjustmentLine line) => string.Join(", ", line.Changed.Select(fact => InWords(fact, line)));

    private static string InWords(string fact, AdjustmentLine line) => fact switch
    {
        "charged_seconds" => Words.ChangedTime.With(Amounts.Span(line.BeforeChargedSeconds), Amounts.Span(line.ChargedSeconds)),
        "cpus" => Words.ChangedCpus.With(Amounts.Count(line.BeforeCpus), Amounts.Count(line.Cpus)),
        "gpus" => Words.ChangedGpus.With(Amounts.Count(line.BeforeGpus), Amounts.Count(line.Gpus)),
        "memory_mib" => Words.ChangedMemory.With(Amounts.Gib(line.BeforeMemoryMib), Amounts.Gib(line.MemoryMib)),
        "started_at" => Words.ChangedStart,
        "ended_at" => Words.ChangedEnd,
        _ => fact.Replace('_', ' '),
    };
}

/// <summary>Model of the partial <c>_Used</c>: how much of what a run held it used.</summary>
/// <param name="Cpu">Share from 0 on; null when nobody knows it.</param>
/// <param name="Memory">Share from 0 on; null when nobody knows it.</param>
/// <param name="IsLong">The run was long enough for a small share to say something.</param>
public sealed record UsedShare(decimal? Cpu, decimal? Memory, bool IsLong)
{
    /// <summary>Less is called low.</summary>
    public const decimal LowBelow = 0.25m;

    /// <summary>A shorter run is mostly its own start and end.</summary>
    public const int LongMinutes = 5;

    private const int SecondsPerMinute = 60;

    public bool IsCpuLow => IsLow(Cpu);

    public bool IsMemoryLow => IsLow(Memory);

    public static UsedShare Of(UsageRun run) => new(run.CpuEfficiency, run.MemoryEfficiency, IsLasting(run.ChargedSeconds));

    public static bool IsLasting(long seconds) => seconds >= LongMinutes * SecondsPerMinute;

    private bool IsLow(decimal? share) => IsLong && share < LowBelow;
}

/// <summary>Model of the partial <c>_Charge</c>: one TRES of a run.</summary>
/// <param name="Count">What was allocated; at 0 a dash stands for the rest.</param>
/// <param name="Held">The count in words: <c>64 CPU</c>.</param>
/// <param name="Hours">Unit-hours.</param>
/// <param name="Minor">Its price; null where there is none yet.</param>
/// <param name="Currency">ISO 4217 code.</param>
public sealed record Charge(long Count, string Held, decimal Hours, long? Minor, string? Currency)
{
    public static Charge Cpu(UsageRun run) => Cpu(run.Cpus, run.CpuCoreHours, run.CpuMinor, run.Currency);

    public static Charge Gpu(UsageRun run) => Gpu(run.Gpus, run.GpuHours, run.GpuMinor, run.Currency);

    public static Charge Memory(UsageRun run) => Memory(run.MemoryMib, run.MemoryGibHours, run.MemoryMinor, run.Currency);

    public static Charge Cpu(ReceiptLine line, string currency) => Cpu(line.Cpus, line.CpuCoreHours, line.CpuMinor, currency);

    public static Charge Gpu(ReceiptLine line, string currency) => Gpu(line.Gpus, line.GpuHours, line.GpuMinor, currency);

    public static Charge Memory(ReceiptLine line, string currency) => Memory(line.MemoryMib, line.MemoryGibHours, line.MemoryMinor, currency);

    private static Charge Cpu(long cpus, decimal hours, long? minor, string? currency) =>
        new(cpus, Words.CoresAt.With(Amounts.Count(cpus)), hours, minor, currency);

    private static Charge Gpu(long gpus, decimal hours, long? minor, string? currency) =>
        new(gpus, Words.GpusAt.With(Amounts.Count(gpus)), hours, minor, currency);

    private static Charge Memory(long mib, decimal hours, long? minor, string? currency) =>
        new(mib, Words.GibAt.With(Amounts.Gib(mib)), hours, minor, currency);
}
