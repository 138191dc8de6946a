using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb usage totals|list</c>: what was used, what it costs, how much of it is billed.</summary>
internal static class UsageCommand
{
    private const string Unknown = "-";

    public static Command Create(Terminal terminal, Option<bool> json) =>
        new("usage", "Recorded usage") { Totals(terminal, json), List(terminal, json) };

    private static Command Totals(Terminal terminal, Option<bool> json)
    {
        var user = new Option<string?>("--user") { HelpName = "NAME", Description = "Of one user; without it an admin gets everybody's" };
        (Option<string?> from, Option<string?> to) = Period();
        var totals = new Command("totals", "Runs, hours and amounts") { user, from, to, json };
        totals.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            string path = Query.Add(
                "api/v1/usage/totals", ("user", parsed.GetValue(user)), ("from", parsed.GetValue(from)), ("to", parsed.GetValue(to)));
            JsonObject reply = await gateway.GetAsync(path, cancellationToken);
            if (parsed.GetValue(json)) terminal.Json(reply);
            else Show(terminal, reply.As<UsageTotals>());
            return ExitCode.Ok;
        });
        return totals;
    }

    private static Command List(Terminal terminal, Option<bool> json)
    {
        var user = new Option<string?>("--user") { HelpName = "NAME", Description = "Of another user, or * for everybody's (admins)" };
        (Option<string?> from, Option<string?> to) = Period();
        var list = new Command("list", "Runs, newest first, with their amounts and how much of what they held they used") { user, from, to, json };
        list.SetAction((parsed, cancellationToken) =>
        {
            string path = Query.Add("api/v1/usage", ("user", parsed.GetValue(user)), ("from", parsed.GetValue(from)), ("to", parsed.GetValue(to)));
            return ListAsync(terminal, path, parsed.GetValue(json), cancellationToken);
        });
        return list;
    }

    private static async Task<int> ListAsync(Terminal terminal, string path, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        if (isJson)
        {
            await foreach (JsonObject run in Pages.ReadAsync(gateway, path, cancellationToken)) terminal.Json(run);
            return ExitCode.Ok;
        }

        var rows = new List<string?[]>();
        await foreach (UsageRun run in Pages.ReadAsync<UsageRun>(gateway, path, cancellationToken))
        {
            rows.Add(
            [
                run.JobId, run.Username, run.Account, run.State, run.EndedAt, Amount.Hours(run.CpuCoreHours), Amount.Hours(run.GpuHours),
                run.CpuEfficiency is { } cpu ? Amount.Share(cpu) : Unknown, run.MemoryEfficiency is { } memory ? Amount.Share(memory) : Unknown,
                run.AmountMinor is { } amount ? Amount.Of(amount, run.Currency) : Unknown, run.Status,
            ]);
        }

        terminal.Table(
            [
                Terminal.Left("Job"), Terminal.Left("User"), Terminal.Left("Account"), Terminal.Left("State"), Terminal.Left("Ended"), Terminal.Right("CPU h"),
                Terminal.Right("GPU h"), Terminal.Right("CPU used"), Terminal.Right("Memory used"), Terminal.Right("Amount"), Terminal.Left("Status"),
            ],
            rows);
        return ExitCode.Ok;
    }

    private static (Option<string?> From, Option<string?> To) Period() => (
        new Option<string?>("--from") { HelpName = "DATE", Description = "Runs that ended at or after this" },
        new Option<string?>("--to") { HelpName = "DATE", Description = "Runs that ended before this" });

    private static void Show(Terminal terminal, UsageTotals totals) => terminal.Facts(
        ("Runs", Amount.Count(totals.Runs)),
        ("  finished", Amount.Count(totals.Finished)),
        ("  billed", Amount.Count(totals.Billed)),
        ("  not yet billed", Amount.Count(totals.Unbilled)),
        ("  exempt", Amount.Count(totals.Exempt)),
        ("  without a price", Amount.Count(totals.Unpriced)),
        ("CPU core-hours", Amount.Hours(totals.CpuCoreHours)),
        ("GPU-hours", Amount.Hours(totals.GpuHours)),
        ("Memory GiB-hours", Amount.Hours(totals.MemoryGibHours)),
        ("Amount", Amount.Of(totals.AmountMinor, totals.Currency)),
        ("  billed", Amount.Of(totals.BilledMinor, totals.Currency)));

    private sealed record UsageTotals(
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
        string? Currency);

    private sealed record UsageRun(
        string? JobId,
        string? Username,
        string? Account,
        string? State,
        string? EndedAt,
        decimal CpuCoreHours,
        decimal GpuHours,
        decimal? CpuEfficiency,
        decimal? MemoryEfficiency,
        long? AmountMinor,
        string? Currency,
        string? Status);
}
