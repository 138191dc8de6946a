using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb usage totals</c>: what was used, what it costs, how much of it is billed.</summary>
internal static class UsageCommand
{
    public static Command Create(Terminal terminal, Option<bool> json)
    {
        var user = new Option<string?>("--user") { HelpName = "NAME", Description = "Of one user; without it an admin gets everybody's" };
        var from = new Option<string?>("--from") { HelpName = "DATE", Description = "Runs that ended at or after this" };
        var to = new Option<string?>("--to") { HelpName = "DATE", Description = "Runs that ended before this" };
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
        return new Command("usage", "Recorded usage") { totals };
    }

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
}
