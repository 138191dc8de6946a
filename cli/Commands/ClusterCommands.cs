using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb clusters</c>: how each is read. <c>hpcb backfill</c>: read a part of a cluster's past.</summary>
internal static class ClusterCommands
{
    public static Command CreateClusters(Terminal terminal, Option<bool> json)
    {
        var command = new Command("clusters", "Clusters that are polled, by which source, and how each source is (admins)") { json };
        command.SetAction((parsed, cancellationToken) => ListAsync(terminal, parsed.GetValue(json), cancellationToken));
        return command;
    }

    public static Command CreateBackfill(Terminal terminal, Option<bool> json)
    {
        var cluster = new Option<string>("--cluster") { Required = true, HelpName = "NAME", Description = "Slurm's name of the cluster" };
        var from = new Option<string>("--from") { Required = true, HelpName = "DATE", Description = "First day to read (UTC), or an instant with its offset" };
        var to = new Option<string?>("--to") { HelpName = "DATE", Description = "Day to stop before, or an instant; without it: until now" };
        var noWait = new Option<bool>("--no-wait") { Description = "Start it and return" };
        var command = new Command("backfill", "Read a part of a cluster's past from its accounting (admins)") { cluster, from, to, noWait, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.OpenPatiently(terminal.Warn);
            bool isJson = parsed.GetValue(json);
            var body = new JsonObject { ["from"] = parsed.GetRequiredValue(from) };
            if (parsed.GetValue(to) is { } limit) body["to"] = limit;
            string path = $"api/v1/clusters/{Uri.EscapeDataString(parsed.GetRequiredValue(cluster))}/backfills";
            JsonObject created = await gateway.PostAsync(path, body, Guid.CreateVersion7(), cancellationToken);
            JsonObject document = parsed.GetValue(noWait)
                ? created
                : await JobWait.RunAsync(terminal, gateway, created["id"]!.GetValue<Guid>(), isShown: terminal.IsInteractive && !isJson, cancellationToken);
            return Report(terminal, document, isJson);
        });
        return command;
    }

    private static async Task<int> ListAsync(Terminal terminal, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        JsonObject document = await gateway.GetAsync("api/v1/clusters", cancellationToken);
        if (isJson)
        {
            terminal.Json(document);
            return ExitCode.Ok;
        }

        foreach (JsonNode? cluster in document["items"]!.AsArray())
        {
            terminal.Facts(
                ("Cluster", Text(cluster, "name")),
                ("Read until", Text(cluster, "readUntil")),
                ("Source in use", Text(cluster, "activeSource") ?? "none yet"),
                ("Because", Text(cluster, "activeReason")),
                ("Last answer", Text(cluster, "lastSuccessAt")),
                ("Last error", Text(cluster, "lastError")),
                ("In quarantine", Text(cluster, "quarantined")));
            terminal.Table(
                [Terminal.Right("#"), Terminal.Left("Source"), Terminal.Left("Kind"), Terminal.Left("Version"), Terminal.Left("Last answer"), Terminal.Left("Last error")],
                cluster!["sources"]!.AsArray().Select(source => new[]
                {
                    Text(source, "preference"), Text(source, "source"), Text(source, "kind"), Text(source, "version"), Text(source, "lastSuccessAt"), Text(source, "lastError"),
                }));
        }

        return ExitCode.Ok;
    }

    private static int Report(Terminal terminal, JsonObject document, bool isJson)
    {
        Backfill read = document.As<Backfill>();
        if (isJson) terminal.Json(document);
        else
        {
            terminal.Facts(
                ("Back-fill", read.Id.ToString()),
                ("Status", read.Status),
                ("Read until", read.Position.ToString("u", CultureInfo.InvariantCulture)),
                ("Records", Amount.Count(read.Records)),
                ("New runs", Amount.Count(read.Stored)),
                ("Brought further", Amount.Count(read.Updated)),
                ("Corrected", Amount.Count(read.Corrected)),
                ("Known", Amount.Count(read.Known)),
                ("In quarantine", Amount.Count(read.Quarantined)));
        }

        if (!read.IsOver || read.Status == "succeeded") return ExitCode.Ok;
        terminal.Warn($"the back-fill was {(read.Status == "cancelled" ? "cancelled" : "given up")}: {read.Error}");
        return ExitCode.Failed;
    }

    private static string? Text(JsonNode? node, string name) => node?[name]?.ToString();

    private sealed record Backfill(
        Guid Id, string Status, DateTimeOffset From, DateTimeOffset To, DateTimeOffset Position, long Records, long Stored, long Updated, long Corrected,
        long Known, long Quarantined, string? Error)
    {
        public bool IsOver => Status is "succeeded" or "dead_letter" or "cancelled";
    }
}
