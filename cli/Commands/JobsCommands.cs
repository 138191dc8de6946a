using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb jobs</c>: long work, and what becomes of it.</summary>
internal static class JobsCommands
{
    public static Command CreateJobs(Terminal terminal, Option<bool> json)
    {
        return new Command("jobs", "Imports and other long work (admins)")
        {
            List(terminal, json),
            OfOne("show", "State, progress and counts of one job", terminal, json, (gateway, id, _, ct) => gateway.GetAsync($"api/v1/jobs/{id}", ct)),
            OfOne("watch", "The same, when it has ended; with its progress until then", terminal, json, (gateway, id, isJson, ct) =>
                JobWait.RunAsync(terminal, gateway, id, isShown: terminal.IsInteractive && !isJson, ct)),
            OfOne("cancel", "Stop a job; what it has stored stays", terminal, json, (gateway, id, _, ct) =>
                gateway.PostAsync($"api/v1/jobs/{id}/cancel", [], idempotencyKey: null, ct)),
            OfOne("requeue", "Try again what was given up or cancelled", terminal, json, (gateway, id, _, ct) =>
                gateway.PostAsync($"api/v1/jobs/{id}/requeue", [], idempotencyKey: null, ct)),
            Events(terminal, json),
        };
    }

    private static Command List(Terminal terminal, Option<bool> json)
    {
        var type = new Option<string?>("--type") { Description = "import, poll, month, backfill, reconcile or export" };
        var status = new Option<string?>("--status") { Description = "queued, running, succeeded, failed, dead_letter or cancelled" };
        var limit = new Option<int>("--limit") { Description = "Newest so many", DefaultValueFactory = _ => 50 };
        var list = new Command("list", "Jobs, newest first") { type, status, limit, json };
        list.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            string path = Query.Add("api/v1/jobs", ("type", parsed.GetValue(type)), ("status", parsed.GetValue(status)));
            List<JsonObject> jobs = await Pages.ReadAsync(gateway, path, cancellationToken).Take(parsed.GetValue(limit)).ToListAsync(cancellationToken);
            if (parsed.GetValue(json)) jobs.ForEach(terminal.Json);
            else
            {
                terminal.Table(
                    [Terminal.Left("Job"), Terminal.Left("Type"), Terminal.Left("About"), Terminal.Left("State"), Terminal.Right("Progress"), Terminal.Left("Requested")],
                    jobs.Select(job => new[] { Text(job, "id"), Text(job, "type"), Text(job, "subject"), Text(job, "status"), Progress(job), Text(job, "createdAt") }));
            }

            return ExitCode.Ok;
        });
        return list;
    }

    private static Command Events(Terminal terminal, Option<bool> json)
    {
        var id = new Argument<Guid>("ID");
        var events = new Command("events", "What happened to a job, newest first") { id, json };
        events.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            List<JsonObject> entries = await Pages.ReadAsync(gateway, $"api/v1/jobs/{parsed.GetRequiredValue(id)}/events", cancellationToken).ToListAsync(cancellationToken);
            if (parsed.GetValue(json)) entries.ForEach(terminal.Json);
            else
            {
                terminal.Table(
                    [Terminal.Left("When"), Terminal.Left("State"), Terminal.Left("Stage"), Terminal.Right("Attempt"), Terminal.Left("Reason")],
                    entries.Select(entry => new[] { Text(entry, "at"), Text(entry, "status"), Text(entry, "stage"), Text(entry, "attempts"), Text(entry, "error") }));
            }

            return ExitCode.Ok;
        });
        return events;
    }

    private static Command OfOne(
        string name, string description, Terminal terminal, Option<bool> json, Func<GatewayClient, Guid, bool, CancellationToken, Task<JsonObject>> ask)
    {
        var id = new Argument<Guid>("ID");
        var command = new Command(name, description) { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            bool isJson = parsed.GetValue(json);
            JsonObject job = await ask(gateway, parsed.GetRequiredValue(id), isJson, cancellationToken);
            if (isJson) terminal.Json(job);
            else terminal.Facts([.. job.Where(fact => fact.Value is not null).Select(fact => (fact.Key, (string?)fact.Value!.ToString()))]);
            // Who waited for it wants to know how it ended.
            return name == "watch" && !job.As<JobState>().HasSucceeded ? ExitCode.Failed : ExitCode.Ok;
        });
        return command;
    }

    private static string? Text(JsonObject item, string name) => item[name]?.ToString();

    private static string? Progress(JsonObject job) =>
        job["total"]?.GetValue<long>() is > 0 and var total && job["finishedAt"] is null ? $"{100 * job["done"]!.GetValue<long>() / total} %" : null;
}
