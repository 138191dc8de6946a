using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;
using Spectre.Console;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb receipts run</c>: one receipt a user over everything finished and not yet billed.</summary>
internal static class ReceiptRunCommand
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PollMax = TimeSpan.FromSeconds(2);

    public static Command Create(Terminal terminal, Option<bool> json)
    {
        var until = new Option<string?>("--until")
        {
            HelpName = "DATE",
            Description = "Bill runs that ended before this day (in the site's zone) or instant; without it: until now",
        };
        var noWait = new Option<bool>("--no-wait") { Description = "Start it and return" };
        var command = new Command("run", "Issue receipts for all unbilled, finished runs (admins)") { until, noWait, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.OpenPatiently(terminal.Warn);
            bool isJson = parsed.GetValue(json);
            var body = new JsonObject();
            if (parsed.GetValue(until) is { } limit) body["until"] = limit;
            JsonObject created = await gateway.PostAsync("api/v1/receipt-runs", body, Guid.CreateVersion7(), cancellationToken);
            Guid id = created["id"]!.GetValue<Guid>();
            JsonObject document = parsed.GetValue(noWait)
                ? created
                : await WaitAsync(terminal, gateway, id, isShown: terminal.IsInteractive && !isJson, cancellationToken);
            return Report(terminal, document, isJson);
        });
        return command;
    }

    private static Task<JsonObject> WaitAsync(
        Terminal terminal, GatewayClient gateway, Guid id, bool isShown, CancellationToken cancellationToken)
    {
        if (!isShown) return PollAsync(gateway, id, _ => { }, cancellationToken);
        return terminal.Out.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(context =>
            {
                ProgressTask bar = context.AddTask("Issuing receipts");
                return PollAsync(
                    gateway,
                    id,
                    run =>
                    {
                        bar.MaxValue = Math.Max(1, run.Users);
                        bar.Value = run.Users == 0 && run.IsOver ? 1 : run.UsersDone;
                    },
                    cancellationToken);
            });
    }

    private static async Task<JsonObject> PollAsync(GatewayClient gateway, Guid id, Action<ReceiptRun> report, CancellationToken cancellationToken)
    {
        for (TimeSpan delay = FirstPoll; ; delay = delay * 2 < PollMax ? delay * 2 : PollMax)
        {
            JsonObject document = await gateway.GetAsync($"api/v1/receipt-runs/{id}", cancellationToken);
            ReceiptRun run = Read(document);
            report(run);
            if (run.IsOver) return document;
            await Task.Delay(delay, cancellationToken);
        }
    }

    private static int Report(Terminal terminal, JsonObject document, bool isJson)
    {
        ReceiptRun run = Read(document);
        if (isJson) terminal.Json(document);
        else
        {
            terminal.Facts(
                ("Receipt run", run.Id.ToString()),
                ("Status", run.Status),
                ("Until", run.Until),
                ("Users", Amount.Count(run.Users)),
                ("Receipts", Amount.Count(run.Receipts)),
                ("of these credit notes", Amount.Count(run.CreditNotes)),
                ("Runs billed", Amount.Count(run.Runs)),
                ("Billed runs corrected", Amount.Count(run.Adjustments)),
                ("Total", Amount.Of(run.TotalMinor, run.Currency)));
        }

        if (!run.IsOver || run.Status == "succeeded") return ExitCode.Ok;
        terminal.Warn($"the receipt run failed: {run.Error ?? run.Status}");
        return ExitCode.Failed;
    }

    private static ReceiptRun Read(JsonObject document) => document.As<ReceiptRun>();

    private sealed record ReceiptRun(
        Guid Id, string Status, string? Until, long Users, long UsersDone, long Receipts, long Runs, long TotalMinor, string? Currency, string? Error,
        long CreditNotes = 0, long Adjustments = 0)
    {
        public bool IsOver => Status is "succeeded" or "failed" or "dead_letter";
    }
}
