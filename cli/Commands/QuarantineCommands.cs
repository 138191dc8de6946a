using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb quarantine</c>: records that are no run, of files and of clusters; have them read again, or put them aside.</summary>
internal static class QuarantineCommands
{
    private const string Path = "api/v1/quarantine";

    // 500 records each; whoever has more comes again.
    private const int RoundsMax = 10_000;

    public static Command Create(Terminal terminal, Option<bool> json)
    {
        var job = new Argument<Guid?>("JOB") { Arity = ArgumentArity.ZeroOrOne, Description = "Id of an import: its lines alone, with their numbers" };
        var command = new Command("quarantine", "Records that could not be read, with the reason (admins); those that are open, unless a command says otherwise")
        {
            job, json, CreateList(terminal, json), CreateCount(terminal, json), CreateRetry(terminal, json), CreateDismiss(terminal, json),
        };
        command.SetAction((parsed, cancellationToken) => parsed.GetValue(job) is { } id
            ? ListImportAsync(terminal, id, parsed.GetValue(json), cancellationToken)
            : ListAsync(terminal, Query.Add(Path, ("state", "open")), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static Command CreateList(Terminal terminal, Option<bool> json)
    {
        var state = new Option<string>("--state") { HelpName = "open|retried|dismissed|any", DefaultValueFactory = _ => "open", Description = "What became of them" };
        state.AcceptOnlyFromAmong("open", "retried", "dismissed", "any");
        (Option<string?> cluster, Option<string?> code, Option<Guid?> import) = Filter();
        var source = new Option<string?>("--source") { HelpName = "NAME", Description = "'import' for files, or the name of a live source" };
        var command = new Command("list", "One a line, newest first") { state, cluster, code, source, import, json };
        command.SetAction((parsed, cancellationToken) => ListAsync(
            terminal,
            Query.Add(
                Path, ("state", parsed.GetValue(state) is "any" ? null : parsed.GetValue(state)), ("cluster", parsed.GetValue(cluster)),
                ("code", parsed.GetValue(code)), ("source", parsed.GetValue(source)), ("import", parsed.GetValue(import)?.ToString())),
            parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static Command CreateCount(Terminal terminal, Option<bool> json)
    {
        var command = new Command("count", "How many, by cluster, code and state") { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject counts = await gateway.GetAsync(Path + "/counts", cancellationToken);
            if (parsed.GetValue(json)) terminal.Json(counts);
            else
            {
                terminal.Table(
                    [Terminal.Left("Cluster"), Terminal.Left("Code"), Terminal.Left("State"), Terminal.Right("Records")],
                    counts["items"]!.AsArray().Select(count => new[] { Text(count, "cluster") ?? "unknown", Text(count, "code"), Text(count, "state"), Text(count, "records") }));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateRetry(Terminal terminal, Option<bool> json)
    {
        var id = new Argument<Guid?>("ID") { Arity = ArgumentArity.ZeroOrOne, Description = "One record; without it: all open ones that the options name" };
        (Option<string?> cluster, Option<string?> code, Option<Guid?> import) = Filter();
        var all = new Option<bool>("--all") { Description = "All open ones" };
        var command = new Command("retry", "Read them again with the parser of today, and store what they are") { id, cluster, code, import, all, json };
        command.Validators.Add(parsed =>
        {
            bool isOne = parsed.GetValue(id) is not null;
            bool isSome = parsed.GetValue(cluster) is not null || parsed.GetValue(code) is not null || parsed.GetValue(import) is not null || parsed.GetValue(all);
            if (isOne == isSome) parsed.AddError("Name one record, or which: --cluster, --code, --import or --all.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            if (parsed.GetValue(id) is { } one) return await RetryOneAsync(terminal, gateway, one, parsed.GetValue(json), cancellationToken);
            var which = new JsonObject { ["cluster"] = parsed.GetValue(cluster), ["code"] = parsed.GetValue(code), ["importId"] = parsed.GetValue(import) };
            return await RetryAllAsync(terminal, gateway, which, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static Command CreateDismiss(Terminal terminal, Option<bool> json)
    {
        var id = new Argument<Guid>("ID") { Description = "The record" };
        var reason = new Option<string>("--reason") { Required = true, HelpName = "TEXT", Description = "Why it is no run, for the audit log" };
        var command = new Command("dismiss", "Put a record aside for good") { id, reason, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            var body = new JsonObject { ["reason"] = parsed.GetRequiredValue(reason) };
            JsonObject record = await gateway.PostAsync($"{Path}/{parsed.GetRequiredValue(id)}/dismiss", body, idempotencyKey: null, cancellationToken);
            if (parsed.GetValue(json)) terminal.Json(record);
            else terminal.Line(Quarantine.DescribeRecord(record));
            return ExitCode.Ok;
        });
        return command;
    }

    private static (Option<string?> Cluster, Option<string?> Code, Option<Guid?> Import) Filter() => (
        new Option<string?>("--cluster") { HelpName = "NAME", Description = "Of this cluster alone" },
        new Option<string?>("--code") { HelpName = "CODE", Description = "With this reason alone: bad_field, contradiction, …" },
        new Option<Guid?>("--import") { HelpName = "ID", Description = "Lines of this import alone" });

    private static async Task<int> ListAsync(Terminal terminal, string path, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        await foreach (JsonObject record in Pages.ReadAsync(gateway, path, cancellationToken))
        {
            if (isJson) terminal.Json(record);
            else terminal.Line(Quarantine.DescribeRecord(record));
        }

        return ExitCode.Ok;
    }

    private static async Task<int> ListImportAsync(Terminal terminal, Guid id, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        // Line by line: there may be as many as the file has.
        await foreach (JsonObject item in Quarantine.ReadAsync(gateway, id, cancellationToken))
        {
            if (isJson) terminal.Json(item);
            else terminal.Line(Quarantine.Describe(item));
        }

        return ExitCode.Ok;
    }

    private static async Task<int> RetryOneAsync(Terminal terminal, GatewayClient gateway, Guid id, bool isJson, CancellationToken cancellationToken)
    {
        JsonObject retried = await gateway.PostAsync($"{Path}/{id}/retry", [], idempotencyKey: null, cancellationToken);
        if (isJson) terminal.Json(retried);
        else terminal.Line($"{Text(retried, "outcome")}: {Quarantine.DescribeRecord(retried["record"]!.AsObject())}");
        return Text(retried, "outcome") == "refused" ? ExitCode.Failed : ExitCode.Ok;
    }

    private static async Task<int> RetryAllAsync(Terminal terminal, GatewayClient gateway, JsonObject which, bool isJson, CancellationToken cancellationToken)
    {
        (long stored, long known, long refused) = (0, 0, 0);
        string? cursor = null;
        for (var round = 0; round < RoundsMax; round++)
        {
            var body = which.DeepClone().AsObject();
            body["cursor"] = cursor;
            JsonObject retried = await gateway.PostAsync(Path + "/retry", body, idempotencyKey: null, cancellationToken);
            (stored, known, refused) = (stored + Count(retried, "stored"), known + Count(retried, "known"), refused + Count(retried, "refused"));
            cursor = Text(retried, "nextCursor");
            if (cursor is null) break;
        }

        if (isJson) terminal.Json(new JsonObject { ["stored"] = stored, ["known"] = known, ["refused"] = refused });
        else terminal.Facts(("Stored", Amount.Count(stored)), ("Known before", Amount.Count(known)), ("Still refused", Amount.Count(refused)));
        return ExitCode.Ok;
    }

    private static long Count(JsonObject node, string name) => node[name]!.GetValue<long>();

    private static string? Text(JsonNode? node, string name) => node?[name]?.ToString();
}
