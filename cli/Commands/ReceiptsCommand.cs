using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb receipts list|show</c>; <c>run</c> has a file of its own.</summary>
internal static class ReceiptsCommand
{
    public static Command Create(Terminal terminal, Option<bool> json) =>
        new("receipts", "What users owe and have paid") { ReceiptRunCommand.Create(terminal, json), List(terminal, json), Show(terminal, json) };

    private static Command List(Terminal terminal, Option<bool> json)
    {
        var user = new Option<string?>("--user") { HelpName = "NAME", Description = "Receipts of one user (admins)" };
        var status = new Option<string?>("--status") { HelpName = "STATUS", Description = "Only receipts in this state" };
        var list = new Command("list", "Receipts, newest first") { user, status, json };
        list.SetAction((parsed, cancellationToken) =>
            ListAsync(terminal, parsed.GetValue(user), parsed.GetValue(status), parsed.GetValue(json), cancellationToken));
        return list;
    }

    private static Command Show(Terminal terminal, Option<bool> json)
    {
        var id = new Argument<Guid>("ID");
        var show = new Command("show", "One receipt with its lines") { id, json };
        show.SetAction((parsed, cancellationToken) => ShowAsync(terminal, parsed.GetRequiredValue(id), parsed.GetValue(json), cancellationToken));
        return show;
    }

    private static async Task<int> ListAsync(
        Terminal terminal, string? user, string? status, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        string path = Query.Add("api/v1/receipts", ("user", user), ("status", status));
        if (isJson)
        {
            await foreach (JsonObject receipt in Pages.ReadAsync(gateway, path, cancellationToken))
                terminal.Json(receipt);
            return ExitCode.Ok;
        }

        var rows = new List<string?[]>();
        await foreach (Receipt receipt in Pages.ReadAsync<Receipt>(gateway, path, cancellationToken))
            rows.Add([receipt.Number, receipt.KindInWords, receipt.Username, receipt.Status, Amount.Of(receipt.TotalMinor, receipt.Currency), receipt.IssuedAt, receipt.Id.ToString()]);
        terminal.Table(
            [
                Terminal.Left("Number"), Terminal.Left("Kind"), Terminal.Left("User"), Terminal.Left("Status"), Terminal.Right("Total"),
                Terminal.Left("Issued"), Terminal.Left("Id"),
            ],
            rows);
        return ExitCode.Ok;
    }

    private static async Task<int> ShowAsync(Terminal terminal, Guid id, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        JsonObject document = await gateway.GetAsync($"api/v1/receipts/{id}", cancellationToken);
        if (isJson)
        {
            terminal.Json(document);
            return ExitCode.Ok;
        }

        Receipt receipt = document.As<Receipt>();
        terminal.Facts(
            (receipt.IsCreditNote ? "Credit note" : "Receipt", receipt.Number),
            ("User", receipt.Username),
            ("Status", receipt.Status),
            ("Issued", receipt.IssuedAt),
            ("Total", Amount.Of(receipt.TotalMinor, receipt.Currency)));
        var rows = new List<string?[]>();
        await foreach (ReceiptItem item in Pages.ReadAsync<ReceiptItem>(gateway, $"api/v1/receipts/{id}/items", cancellationToken))
            rows.Add([item.JobId, item.Cluster, item.EndedAt, Amount.Of(item.AmountMinor, receipt.Currency)]);
        if (rows.Count > 0 || receipt.Adjustments == 0)
            terminal.Table([Terminal.Left("Job"), Terminal.Left("Cluster"), Terminal.Left("Ended"), Terminal.Right("Amount")], rows);
        if (receipt.Adjustments > 0) await ShowAdjustmentsAsync(terminal, gateway, receipt, cancellationToken);
        return ExitCode.Ok;
    }

    private static async Task ShowAdjustmentsAsync(Terminal terminal, GatewayClient gateway, Receipt receipt, CancellationToken cancellationToken)
    {
        var rows = new List<string?[]>();
        await foreach (AdjustmentItem item in Pages.ReadAsync<AdjustmentItem>(gateway, $"api/v1/receipts/{receipt.Id}/adjustments", cancellationToken))
        {
            rows.Add(
            [
                item.JobId, item.Cluster, item.CorrectsNumber, string.Join(' ', item.Changed), Amount.Of(item.BeforeMinor, receipt.Currency),
                Amount.Of(item.AmountMinor, receipt.Currency), Amount.Of(item.DifferenceMinor, receipt.Currency),
            ]);
        }

        terminal.Table(
            [
                Terminal.Left("Corrected job"), Terminal.Left("Cluster"), Terminal.Left("Corrects"), Terminal.Left("Changed"), Terminal.Right("Billed so far"),
                Terminal.Right("Costs now"), Terminal.Right("Difference"),
            ],
            rows);
    }

    private sealed record Receipt(
        Guid Id, string Number, string Username, string Status, long TotalMinor, string? Currency, string? IssuedAt, string? Kind = null, long Adjustments = 0)
    {
        public bool IsCreditNote => Kind == "credit_note";

        public string KindInWords => IsCreditNote ? "credit note" : "receipt";
    }

    private sealed record AdjustmentItem(
        string? JobId, string? Cluster, string? CorrectsNumber, IReadOnlyList<string> Changed, long BeforeMinor, long AmountMinor, long DifferenceMinor);

    private sealed record ReceiptItem(string? JobId, string? Cluster, string? EndedAt, long AmountMinor);
}
