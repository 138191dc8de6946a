using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Importing;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb import FILE</c>: an accounting log goes in, once, however often the way there breaks.</summary>
internal static class ImportCommand
{
    private const int TimeoutSecondsDefault = 3600;
    private const int QuarantineLinesShown = 5;

    private static readonly Argument<FileInfo> File = new("FILE") { Description = "Output of `sacct --parsable2 --noconvert`, times in UTC" };

    private static readonly Option<string?> Fields = new("--fields")
    {
        HelpName = "xdmod|A,B,…",
        Description = "Names of the columns when the file has no header line; xdmod is the order of Open XDMoD's Slurm logs",
    };

    private static readonly Option<string?> Cluster = new("--cluster") { HelpName = "NAME", Description = "Cluster of the runs when no column names it" };

    private static readonly Option<bool> Wait = new("--wait") { Description = "Wait until every run is stored and priced" };

    private static readonly Option<int> TimeoutSeconds = new("--timeout-seconds")
    {
        DefaultValueFactory = _ => TimeoutSecondsDefault,
        Description = "Give up waiting after this time; the import itself goes on",
    };

    public static Command Create(Terminal terminal, Option<bool> json)
    {
        TimeoutSeconds.Validators.Add(option =>
        {
            if (option.GetValueOrDefault<int>() <= 0) option.AddError("--timeout-seconds must be 1 or more");
        });
        var command = new Command("import", "Import a Slurm accounting log; every run is stored once, however often it is sent (exit codes: `hpcb --help`)")
        {
            File, Fields, Cluster, Wait, TimeoutSeconds, json,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            terminal,
            new ImportRequest(parsed.GetRequiredValue(File), parsed.GetValue(Fields), parsed.GetValue(Cluster)),
            parsed.GetValue(Wait) ? TimeSpan.FromSeconds(parsed.GetValue(TimeoutSeconds)) : null,
            parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, ImportRequest import, TimeSpan? waitMax, bool isJson, CancellationToken cancellationToken)
    {
        await using FileStream source = SourceFile.Open(import.File);
        using GatewayClient gateway = GatewayClient.OpenPatiently(terminal.Warn);
        JsonObject document = await ImportProgress.RunAsync(
            terminal,
            isShown: terminal.IsInteractive && !isJson,
            report => ImportAsync(new Importer(gateway, report), import, source, waitMax, cancellationToken));

        ImportJob job = Importer.Read(document);
        if (isJson) terminal.Json(WithFourDecimals(document));
        else Summarise(terminal, job, document["rated"]?.GetValue<long>());
        if (job.Quarantined > 0) await ExplainQuarantineAsync(terminal, gateway, job, cancellationToken);
        return Verdict(terminal, job);
    }

    private static async Task<JsonObject> ImportAsync(
        Importer importer, ImportRequest import, FileStream source, TimeSpan? waitMax, CancellationToken cancellationToken)
    {
        Guid id = await importer.SendAsync(import, source, cancellationToken);
        if (waitMax is not { } limit) return await importer.GetJobAsync(id, cancellationToken);

        using var timeout = new CancellationTokenSource(limit);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            JsonObject document = await importer.WaitAsync(id, either.Token);
            ImportJob job = Importer.Read(document);
            if (job.HasSucceeded) document["rated"] = await importer.WaitUntilRatedAsync(job, either.Token);
            return document;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailedException(
                ExitCode.Failed, $"import {id} is not through after {limit.TotalSeconds} s; it goes on: `hpcb jobs show {id}`");
        }
    }

    private static JsonObject WithFourDecimals(JsonObject job)
    {
        foreach (string hours in (string[])["cpuCoreHours", "gpuHours"])
        {
            if (job[hours] is JsonValue value) job[hours] = decimal.Round(value.GetValue<decimal>(), 4) + 0.0000m;
        }

        return job;
    }

    private static void Summarise(Terminal terminal, ImportJob job, long? rated) => terminal.Facts(
        ("Import", job.Id.ToString()),
        ("Status", job.Status),
        ("Lines", Amount.Count(job.Lines)),
        ("Runs", Amount.Count(job.Runs)),
        ("  stored now", Amount.Count(job.Stored)),
        ("  updated", Amount.Count(job.Updated)),
        ("  known before", Amount.Count(job.Known)),
        ("Quarantined lines", Amount.Count(job.Quarantined)),
        ("  priced now", rated is { } runs ? Amount.Count(runs) : "not waited for"),
        ("CPU core-hours", Amount.Hours(job.CpuCoreHours)),
        ("GPU-hours", Amount.Hours(job.GpuHours)));

    private static async Task ExplainQuarantineAsync(Terminal terminal, GatewayClient gateway, ImportJob job, CancellationToken cancellationToken)
    {
        terminal.Warn($"{Amount.Count(job.Quarantined)} line(s) could not be read and are kept aside; all of them: `hpcb quarantine {job.Id}`");
        await foreach (JsonObject line in Quarantine.ReadAsync(gateway, job.Id, cancellationToken).Take(QuarantineLinesShown))
            terminal.Warn(Quarantine.Describe(line));
    }

    private static int Verdict(Terminal terminal, ImportJob job)
    {
        if (job.IsOver && !job.HasSucceeded)
        {
            terminal.Warn($"the import failed: {job.Error ?? job.ErrorCode ?? job.Status}");
            return ExitCode.Failed;
        }

        if (!job.HasSucceeded || job.Runs > 0) return ExitCode.Ok;
        terminal.Warn("nothing was imported: no line is a run");
        return ExitCode.Failed;
    }
}
