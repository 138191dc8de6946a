using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb export</c>: the runs that ended in a span of time, as a file.</summary>
internal static class ExportCommand
{
    public static Command Create(Terminal terminal, Option<bool> json)
    {
        var file = new Argument<FileInfo>("FILE") { Description = "CSV to write; one that is there is replaced" };
        var from = new Option<string>("--from") { Required = true, HelpName = "DATE", Description = "First day (UTC), or an instant with its offset" };
        var to = new Option<string>("--to") { Required = true, HelpName = "DATE", Description = "Day to stop before, or an instant" };
        var cluster = new Option<string?>("--cluster") { HelpName = "NAME", Description = "Of one cluster alone" };
        var command = new Command("export", "Save the runs that ended in a span of time as CSV (admins)") { file, from, to, cluster, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.OpenPatiently(terminal.Warn);
            bool isJson = parsed.GetValue(json);
            var body = new JsonObject { ["from"] = parsed.GetRequiredValue(from), ["to"] = parsed.GetRequiredValue(to), ["cluster"] = parsed.GetValue(cluster) };
            JsonObject created = await gateway.PostAsync("api/v1/exports", body, Guid.CreateVersion7(), cancellationToken);
            Guid id = created["id"]!.GetValue<Guid>();
            JsonObject done = await JobWait.RunAsync(terminal, gateway, id, isShown: terminal.IsInteractive && !isJson, cancellationToken);
            var job = done.As<JobState>();
            if (!job.HasSucceeded) throw new CommandFailedException(ExitCode.Failed, $"the export is {job.Status}: {job.Error}");

            FileInfo target = parsed.GetRequiredValue(file);
            await Download.SaveAsync(gateway, $"api/v1/exports/{id}/content", target.FullName, cancellationToken);
            if (isJson) terminal.Json(done);
            else terminal.Line($"{Amount.Count(done["result"]!["rows"]!.GetValue<long>())} runs are in {target}.");
            return ExitCode.Ok;
        });
        return command;
    }
}
