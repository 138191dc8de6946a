using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb sources</c>: where a cluster's usage is read from; those of the operator's configuration are shown, those of admins are changed.</summary>
internal static class SourceCommands
{
    private const string Path = "api/v1/sources";

    public static Command Create(Terminal terminal, Option<bool> json) => new("sources", "Where usage is read from (admins)")
    {
        CreateList(terminal, json), CreateAdd(terminal, json), CreateChange(terminal, json), CreateRemove(terminal), CreateCheck(terminal, json),
    };

    private static Command CreateList(Terminal terminal, Option<bool> json)
    {
        var command = new Command("list", "Sources by cluster, most preferred first, and what may be named in one") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject list = await gateway.GetAsync(Path, cancellationToken);
            if (parsed.GetValue(json)) terminal.Json(list);
            else Show(terminal, list);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateAdd(Terminal terminal, Option<bool> json)
    {
        var said = new SourceFields();
        said.Cluster.Required = said.Kind.Required = true;
        var command = new Command("add", "Read a cluster from a further source") { json };
        said.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            return Done(terminal, await gateway.PostAsync(Path, said.Apply(parsed, New()), idempotencyKey: null, cancellationToken), parsed.GetValue(json));
        });
        return command;
    }

    private static Command CreateChange(Terminal terminal, Option<bool> json)
    {
        Argument<string> source = Source();
        var said = new SourceFields();
        var command = new Command("change", "Change what the options name; an empty one takes a setting away") { source, json };
        said.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject found = await FindAsync(gateway, parsed.GetRequiredValue(source), cancellationToken);
            JsonObject changed = await gateway.PutAsync($"{Path}/{Text(found, "id")}", said.Apply(parsed, Body(found)), cancellationToken);
            return Done(terminal, changed, parsed.GetValue(json));
        });
        return command;
    }

    private static Command CreateRemove(Terminal terminal)
    {
        Argument<string> source = Source();
        var command = new Command("remove", "Read no more from a source; what it told stays") { source };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject found = await FindAsync(gateway, parsed.GetRequiredValue(source), cancellationToken);
            await gateway.DeleteAsync($"{Path}/{Text(found, "id")}", cancellationToken);
            terminal.Line($"{Text(found, "cluster")}/{Text(found, "name")} is removed.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateCheck(Terminal terminal, Option<bool> json)
    {
        Argument<string> source = Source();
        source.Arity = ArgumentArity.ZeroOrOne;
        var said = new SourceFields();
        var command = new Command("check", "Ask a source once, for the last hour, and store nothing: one that there is, or as the options say") { source, json };
        said.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject asked = parsed.GetValue(source) is { } name ? Body(await FindAsync(gateway, name, cancellationToken)) : New();
            JsonObject answer = await gateway.PostAsync(Path + "/check", said.Apply(parsed, asked), idempotencyKey: null, cancellationToken);
            bool works = answer["works"]!.GetValue<bool>();
            if (parsed.GetValue(json)) terminal.Json(answer);
            else
            {
                terminal.Facts(
                    ("Works", works ? "yes" : "no"), ("Version", Text(answer, "version")), ("Records of the last hour, or files", Text(answer, "records")), ("Error", Text(answer, "error")),
                    ("Milliseconds", Text(answer, "milliseconds")));
            }

            return works ? ExitCode.Ok : ExitCode.Failed;
        });
        return command;
    }

    private static Argument<string> Source() => new("SOURCE") { Description = "Its id, or CLUSTER/NAME" };

    private static JsonObject New() => new() { ["preference"] = 1, ["enabled"] = true, ["settings"] = new JsonObject() };

    private static JsonObject Body(JsonObject source) => new(
        new[] { "cluster", "name", "kind", "preference", "enabled", "settings", "revision" }.Select(field => KeyValuePair.Create(field, source[field]?.DeepClone())));

    private static async Task<JsonObject> FindAsync(GatewayClient gateway, string named, CancellationToken cancellationToken)
    {
        JsonObject list = await gateway.GetAsync(Path, cancellationToken);
        JsonObject found = list["items"]!.AsArray().Select(item => item!.AsObject())
            .FirstOrDefault(item => string.Equals(Text(item, "id"), named, StringComparison.OrdinalIgnoreCase) || $"{Text(item, "cluster")}/{Text(item, "name")}" == named)
            ?? throw new CommandFailedException(ExitCode.Failed, $"there is no source {named}; `hpcb sources list` names them");
        return found["id"] is not null ? found : throw new CommandFailedException(ExitCode.Failed, $"{named} stands in the operator's configuration and is not changed or asked here");
    }

    private static int Done(Terminal terminal, JsonObject source, bool isJson)
    {
        if (isJson) terminal.Json(source);
        else
        {
            terminal.Facts(
                ("Source", $"{Text(source, "cluster")}/{Text(source, "name")}"), ("Id", Text(source, "id")), ("Kind", Text(source, "kind")), ("Preference", Text(source, "preference")),
                ("Enabled", Text(source, "enabled")), ("Revision", Text(source, "revision")), ("Problem", Text(source, "problem")));
        }

        return ExitCode.Ok;
    }

    private static void Show(Terminal terminal, JsonObject list)
    {
        terminal.Table(
            [
                Terminal.Left("Cluster"), Terminal.Right("#"), Terminal.Left("Name"), Terminal.Left("Kind"), Terminal.Left("Leads to"), Terminal.Left("Enabled"), Terminal.Left("From"),
                Terminal.Left("Problem"), Terminal.Left("Id"),
            ],
            list["items"]!.AsArray().Select(item => new[]
            {
                Text(item, "cluster"), Text(item, "preference"), Text(item, "name"), Text(item, "kind"), LeadsTo(item!["settings"]), Text(item, "enabled"), Text(item, "origin"),
                Text(item, "problem"), Text(item, "id"),
            }));
        JsonNode reach = list["reach"]!;
        terminal.Facts(
            ("Hosts", Names(reach, "hosts")), ("Sockets", Names(reach, "sockets")), ("Files of secrets", Names(reach, "secrets")), ("slurm.conf", Names(reach, "slurmConfs")),
            ("Folders", Names(reach, "folders")));
    }

    private static string? LeadsTo(JsonNode? settings) => Text(settings, "url") ?? Text(settings, "socket") ?? Text(settings, "slurmConf") ?? Text(settings, "path");

    private static string Names(JsonNode reach, string name) => reach[name]!.AsArray() is { Count: > 0 } names ? string.Join(", ", names) : "none allowed";

    private static string? Text(JsonNode? node, string name) => node?[name]?.ToString();
}
