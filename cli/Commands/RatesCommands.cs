using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb rates</c>, <c>hpcb rates set</c> and <c>hpcb estimate</c>: what an hour costs.</summary>
internal static class RatesCommands
{
    public static Command CreateRates(Terminal terminal, Option<bool> json)
    {
        var type = new Option<string?>("--type") { HelpName = "TIER", Description = "Price tier; without it the site's default" };
        var rates = new Command("rates", "Rates of a tier, in force now") { type, json, Set(terminal, json) };
        rates.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject rates = await gateway.GetAsync(Query.Add("formula", ("type", parsed.GetValue(type))), cancellationToken);
            return ShowRates(terminal, rates, parsed.GetValue(json));
        });
        return rates;
    }

    public static Command CreateEstimate(Terminal terminal, Option<bool> json)
    {
        var tier = new Option<string?>("--tier") { HelpName = "TIER", Description = "Price tier; without it the site's default" };
        var cores = new Option<long>("--cores") { Required = true, Description = "CPU cores" };
        var gpus = new Option<long>("--gpus") { Description = "GPUs" };
        var memory = new Option<decimal>("--memory-gib") { Description = "Memory, GiB" };
        var hours = new Option<decimal>("--hours") { Required = true, Description = "Hours, decimals allowed" };
        var command = new Command("estimate", "What a job would cost at today's rates") { tier, cores, gpus, memory, hours, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            string path = Query.Add(
                "api/v1/estimate",
                ("tier", parsed.GetValue(tier)),
                ("cores", Number(parsed.GetValue(cores))),
                ("gpus", Number(parsed.GetValue(gpus))),
                ("memoryGib", Number(parsed.GetValue(memory))),
                ("hours", Number(parsed.GetValue(hours))));
            JsonObject estimate = await gateway.GetAsync(path, cancellationToken);
            if (parsed.GetValue(json)) terminal.Json(estimate);
            else Show(terminal, estimate.As<Estimate>());
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Set(Terminal terminal, Option<bool> json)
    {
        var tier = new Argument<string>("TIER");
        var cpu = new Option<decimal>("--cpu") { Required = true, Description = "Major currency units per core-hour" };
        var gpu = new Option<decimal>("--gpu") { Required = true, Description = "Major currency units per GPU-hour" };
        var memory = new Option<decimal>("--memory") { Required = true, Description = "Major currency units per GiB-hour of memory" };
        var effectiveFrom = new Option<string?>("--effective-from")
        {
            HelpName = "DATE",
            Description = "Runs that end at or after this are priced by it; without it: from now on",
        };
        var set = new Command("set", "Publish new rates (admins); receipts already issued do not change") { tier, cpu, gpu, memory, effectiveFrom, json };
        set.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            var body = new JsonObject
            {
                ["type"] = parsed.GetRequiredValue(tier),
                ["cpuCoreHour"] = parsed.GetValue(cpu),
                ["gpuHour"] = parsed.GetValue(gpu),
                ["memoryGibHour"] = parsed.GetValue(memory),
            };
            if (parsed.GetValue(effectiveFrom) is { } from) body["effectiveFrom"] = from;
            return ShowRates(terminal, await gateway.PostAsync("formula", body, idempotencyKey: null, cancellationToken), parsed.GetValue(json));
        });
        return set;
    }

    private static int ShowRates(Terminal terminal, JsonObject document, bool isJson)
    {
        if (isJson)
        {
            terminal.Json(document);
            return ExitCode.Ok;
        }

        Rates rates = document.As<Rates>();
        terminal.Facts(
            ("Tier", rates.Type),
            ("Version", Number(rates.Version)),
            ("In force from", rates.EffectiveFrom),
            ("CPU core-hour", $"{Number(rates.CpuCoreHour)} {rates.Currency}"),
            ("GPU-hour", $"{Number(rates.GpuHour)} {rates.Currency}"),
            ("Memory GiB-hour", $"{Number(rates.MemoryGibHour)} {rates.Currency}"));
        return ExitCode.Ok;
    }

    private static void Show(Terminal terminal, Estimate estimate) => terminal.Facts(
        ("Tier", estimate.Tier),
        ("CPU", Amount.Of(estimate.CpuMinor, estimate.Currency)),
        ("GPU", Amount.Of(estimate.GpuMinor, estimate.Currency)),
        ("Memory", Amount.Of(estimate.MemoryMinor, estimate.Currency)),
        ("Total", Amount.Of(estimate.AmountMinor, estimate.Currency)));

    private static string Number<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);

    private sealed record Rates(
        string Type, int Version, string EffectiveFrom, string Currency, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour);

    private sealed record Estimate(string Tier, string Currency, long CpuMinor, long GpuMinor, long MemoryMinor, long AmountMinor);
}
