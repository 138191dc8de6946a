using System.Globalization;
using System.Runtime.CompilerServices;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;

namespace HpcBilling.Portal.Files;

/// <summary><c>/me.csv</c>: the visitor's own runs of a period, streamed page by page.</summary>
internal static class UsageFile
{
    private static readonly string Header = CsvText.Row(
        "cluster", "job_id", "account", "partition", "state", "started_at", "ended_at", "charged_seconds", "cpus", "gpus", "memory_mib",
        "cpu_core_hours", "gpu_hours", "memory_gib_hours", "status", "tier", "cpu_amount", "gpu_amount", "memory_amount", "amount", "currency",
        "receipt_number", "cpu_efficiency", "memory_efficiency");

    public static void Map(IEndpointRouteBuilder app) => app.MapGet("/me.csv", HandleAsync).RequireAuthorization(Policies.User);

    private static async Task<IResult> HandleAsync(DateOnly? from, DateOnly? to, HttpContext http, RatingClient rating, CancellationToken ct)
    {
        var filter = new UsageFilter(http.User.Username(), Day(from), Day(to), Cursor: null, UsageFilter.LimitMax);
        Answer<CursorPage<UsageRun>> first = await rating.RunsAsync(filter, ct);
        if (first.ValueOrNull is not { } page) return CsvDownload.NotToBeHad(first);
        return CsvDownload.Of("usage.csv", RowsAsync(page, filter, rating, ct));
    }

    private static async IAsyncEnumerable<string> RowsAsync(
        CursorPage<UsageRun> page, UsageFilter filter, RatingClient rating, [EnumeratorCancellation] CancellationToken ct)
    {
        yield return Header;
        while (true)
        {
            foreach (UsageRun run in page.Items) yield return Row(run);
            if (page.NextCursor is not { } cursor) yield break;
            page = CsvDownload.Rest(await rating.RunsAsync(filter with { Cursor = cursor }, ct));
        }
    }

    private static string Row(UsageRun run) => CsvText.Row(
        run.Cluster, run.JobId, run.Account, run.Partition, run.State, CsvDownload.Instant(run.StartedAt), CsvDownload.Instant(run.EndedAt),
        Figure(run.ChargedSeconds), Figure(run.Cpus), Figure(run.Gpus), Figure(run.MemoryMib),
        Hours(run.CpuCoreHours), Hours(run.GpuHours), Hours(run.MemoryGibHours), run.Status, run.Tier,
        Money(run.CpuMinor, run), Money(run.GpuMinor, run), Money(run.MemoryMinor, run), Money(run.AmountMinor, run), run.Currency,
        run.ReceiptNumber, Share(run.CpuEfficiency), Share(run.MemoryEfficiency));

    private static string Figure(long figure) => figure.ToString(CultureInfo.InvariantCulture);

    private static string Hours(decimal hours) => hours.ToString("F4", CultureInfo.InvariantCulture);

    // 1 is all that was allocated; empty is unknown.
    private static string? Share(decimal? share) => share?.ToString("F4", CultureInfo.InvariantCulture);

    private static string? Money(long? minor, UsageRun run) =>
        minor is { } amount && run.Currency is { } currency ? Amounts.Plain(amount, currency) : null;

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
