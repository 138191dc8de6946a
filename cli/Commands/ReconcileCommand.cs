using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb reconcile</c>: a month of a cluster, weighed against slurmdbd.</summary>
internal static class ReconcileCommand
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PollMax = TimeSpan.FromSeconds(5);

    public static Command Create(Terminal terminal, Option<bool> json)
    {
        var cluster = new Option<string>("--cluster") { Required = true, HelpName = "NAME", Description = "Slurm's name of the cluster" };
        var month = new Option<string>("--month") { Required = true, HelpName = "YYYY-MM", Description = "Month of the site's zone; runs belong to the month in which they end" };
        var noWait = new Option<bool>("--no-wait") { Description = "Start it and return" };
        var command = new Command("reconcile", "Compare a month with what slurmdbd holds, in TRES-seconds and run by run (admins); fails when they differ") { cluster, month, noWait, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.OpenPatiently(terminal.Warn);
            bool isJson = parsed.GetValue(json);
            string path = $"api/v1/clusters/{Uri.EscapeDataString(parsed.GetRequiredValue(cluster))}/reconciliations";
            var body = new JsonObject { ["month"] = parsed.GetRequiredValue(month) };
            JsonObject created = await gateway.PostAsync(path, body, Guid.CreateVersion7(), cancellationToken);
            path += $"/{created["id"]!.GetValue<Guid>()}";
            if (!parsed.GetValue(noWait)) return await ReportAsync(terminal, gateway, await EndAsync(gateway, path, cancellationToken), path, isJson, cancellationToken);

            if (isJson) terminal.Json(created);
            else terminal.Facts(("Reconciliation", created["id"]!.ToString()), ("Status", created["status"]?.ToString()));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<JsonObject> EndAsync(GatewayClient gateway, string path, CancellationToken cancellationToken)
    {
        for (TimeSpan delay = FirstPoll; ; delay = delay * 2 < PollMax ? delay * 2 : PollMax)
        {
            JsonObject document = await gateway.GetAsync(path, cancellationToken);
            if (document.As<Answer>().Reconciliation.FinishedAt is not null) return document;
            await Task.Delay(delay, cancellationToken);
        }
    }

    private static async Task<int> ReportAsync(
        Terminal terminal, GatewayClient gateway, JsonObject document, string path, bool isJson, CancellationToken cancellationToken)
    {
        await AddPagesAsync(gateway, document, path, cancellationToken);
        Answer answer = document.As<Answer>();
        Head head = answer.Reconciliation;
        if (isJson) terminal.Json(document);
        else if (head.Status == "succeeded") Print(terminal, answer);

        if (head.Status != "succeeded")
        {
            terminal.Warn($"the month could not be compared: {head.Error ?? head.Status}");
            return ExitCode.Failed;
        }

        if (head.Differences == 0) return ExitCode.Ok;
        terminal.Warn($"{Amount.Count(head.Differences)} differences");
        return ExitCode.Failed;
    }

    // The service names a thousand at most.
    private static async Task AddPagesAsync(GatewayClient gateway, JsonObject document, string path, CancellationToken cancellationToken)
    {
        JsonObject named = document["named"]!.AsObject();
        while (named["nextCursor"]?.GetValue<string>() is { } cursor)
        {
            JsonObject next = (await gateway.GetAsync(Query.Add(path, ("cursor", cursor)), cancellationToken))["named"]!.AsObject();
            foreach (JsonNode? item in next["items"]!.AsArray()) named["items"]!.AsArray().Add(item!.DeepClone());
            named["nextCursor"] = next["nextCursor"]?.DeepClone();
        }
    }

    private static void Print(Terminal terminal, Answer answer)
    {
        Head head = answer.Reconciliation;
        terminal.Facts(
            ("Cluster", head.Cluster),
            ("Month", $"{head.Month} ({head.Zone})"),
            ("Compared", $"{Instant(head.From)} until {Instant(head.To)}"),
            ("slurmdbd told by", string.Join(", ", head.Sources)),
            ("Still running", Amount.Count(head.Running)));
        RunCounts runs = head.Runs;
        long difference = runs.Slurmdbd - runs.Billed - runs.Unbilled - runs.Exempt - runs.Quarantined;
        string[] counts = ["runs", .. new[] { runs.Slurmdbd, runs.Stored, runs.Billed, runs.Unbilled, runs.Exempt, runs.Quarantined, difference }.Select(Amount.Count)];
        terminal.Table(
            [Terminal.Left("TRES-seconds"), Terminal.Right("slurmdbd"), Terminal.Right("stored"), Terminal.Right("billed"), Terminal.Right("unbilled"), Terminal.Right("exempt"), Terminal.Right("quarantined"), Terminal.Right("difference")],
            [.. answer.Totals.Select(total => new[]
            {
                total.Tres == "mem" ? "mem (MiB)" : total.Tres, Number(total.Slurmdbd), Number(total.Stored), Number(total.Billed), Number(total.Unbilled), Number(total.Exempt),
                Number(total.Quarantined), Number(total.Difference),
            }), counts]);
        if (head.NotValued > 0) terminal.Line($"{Amount.Count(head.NotValued)} records in quarantine do not say what they held; they are in no sum.");
        if (answer.Named.Items.Count == 0) return;

        terminal.Table(
            [Terminal.Left("What"), Terminal.Left("Job"), Terminal.Left("Run"), Terminal.Left("Here → there")],
            answer.Named.Items.Select(item => new[] { Words(item), item.JobId, item.Subject, string.Join("; ", item.Changes.Select(Text)) }));
        foreach ((string kind, long count) in head.Kinds.Where(entry => entry.Value > answer.Named.Items.Count(item => item.Kind == entry.Key)))
            terminal.Line($"{kind}: {Amount.Count(count)} in all");
    }

    private static string Words(Named item) => item.Code is null ? item.Kind : $"{item.Kind} ({item.Code})";

    private static string Text(Change change) => $"{change.Fact} {change.Here ?? "–"} → {change.There ?? "–"}";

    private static string Number(decimal unitSeconds) => unitSeconds.ToString("#,0.####", CultureInfo.InvariantCulture);

    private static string Instant(DateTimeOffset? instant) => instant?.ToString("u", CultureInfo.InvariantCulture) ?? "";

    private sealed record Answer(Head Reconciliation, IReadOnlyList<Total> Totals, NamedPage Named);

    private sealed record Head(
        string Status, string Cluster, string Month, string? Zone, DateTimeOffset? From, DateTimeOffset? To, IReadOnlyList<string> Sources, RunCounts Runs, long Running,
        long NotValued, long Differences, IReadOnlyDictionary<string, long> Kinds, string? Error, DateTimeOffset? FinishedAt);

    private sealed record RunCounts(long Slurmdbd, long Stored, long Billed, long Unbilled, long Exempt, long Quarantined);

    private sealed record Total(
        string Tres, decimal Slurmdbd, decimal Stored, decimal Billed, decimal Unbilled, decimal Exempt, decimal Quarantined, decimal Difference);

    private sealed record NamedPage(IReadOnlyList<Named> Items);

    private sealed record Named(string Kind, string Subject, string? JobId, string? Code, IReadOnlyList<Change> Changes);

    private sealed record Change(string Fact, string? Here, string? There);
}
