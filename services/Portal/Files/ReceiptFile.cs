using System.Globalization;
using System.Runtime.CompilerServices;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;

namespace HpcBilling.Portal.Files;

/// <summary><c>/me/receipts/{id}.csv</c>: the lines of one's own receipt. The amounts of an adjustment are the difference, so that all lines add up.</summary>
internal static class ReceiptFile
{
    private static readonly string Header = CsvText.Row(
        "receipt_number", "line", "cluster", "job_id", "account", "partition", "state", "started_at", "ended_at", "charged_seconds", "cpus", "gpus",
        "memory_mib", "tier", "tariff_version", "cpu_amount", "gpu_amount", "memory_amount", "amount", "currency",
        "kind", "corrects_receipt", "changed");

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet("/me/receipts/{id:guid}.csv", HandleAsync).RequireAuthorization(Policies.User);

    private static async Task<IResult> HandleAsync(Guid id, HttpContext http, RatingClient rating, CancellationToken ct)
    {
        Answer<Receipt> answer = await rating.ReceiptAsync(id, cursor: null, UsageFilter.LimitMax, ct);
        if (answer.ValueOrNull is not { } receipt) return CsvDownload.NotToBeHad(answer);
        if (receipt.Username != http.User.Username()) return Problems.NotFound("receipt");
        return CsvDownload.Of($"{receipt.Number}.csv", RowsAsync(receipt, rating, ct));
    }

    private static async IAsyncEnumerable<string> RowsAsync(Receipt page, RatingClient rating, [EnumeratorCancellation] CancellationToken ct)
    {
        yield return Header;
        while (true)
        {
            foreach (ReceiptLine line in page.Items) yield return Row(page, line);
            foreach (AdjustmentLine line in page.AdjustmentItems ?? []) yield return Row(page, line);
            if (page.NextCursor is not { } cursor) yield break;
            page = CsvDownload.Rest(await rating.ReceiptAsync(page.Id, cursor, UsageFilter.LimitMax, ct));
        }
    }

    private static string Row(Receipt receipt, ReceiptLine line) => CsvText.Row(
        receipt.Number, Figure(line.Line), line.Cluster, line.JobId, line.Account, line.Partition, line.State,
        CsvDownload.Instant(line.StartedAt), CsvDownload.Instant(line.EndedAt), Figure(line.ChargedSeconds), Figure(line.Cpus), Figure(line.Gpus),
        Figure(line.MemoryMib), line.Tier, Figure(line.TariffVersion), Money(line.CpuMinor, receipt), Money(line.GpuMinor, receipt),
        Money(line.MemoryMinor, receipt), Money(line.AmountMinor, receipt), receipt.Currency, "run", null, null);

    private static string Row(Receipt receipt, AdjustmentLine line) => CsvText.Row(
        receipt.Number, Figure(line.Line), line.Cluster, line.JobId, line.Account, line.Partition, line.State,
        CsvDownload.Instant(line.StartedAt), CsvDownload.Instant(line.EndedAt), Figure(line.ChargedSeconds), Figure(line.Cpus), Figure(line.Gpus),
        Figure(line.MemoryMib), line.Tier, line.TariffVersion is { } version ? Figure(version) : null, Money(line.CpuDifferenceMinor, receipt),
        Money(line.GpuDifferenceMinor, receipt), Money(line.MemoryDifferenceMinor, receipt), Money(line.DifferenceMinor, receipt), receipt.Currency,
        "adjustment", line.CorrectsNumber, string.Join(' ', line.Changed));

    private static string Figure(long figure) => figure.ToString(CultureInfo.InvariantCulture);

    private static string Money(long minor, Receipt receipt) => Amounts.Plain(minor, receipt.Currency);
}
