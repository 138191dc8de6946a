using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Audit.Domain;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb audit export|verify</c>: the audit chain as a file, and the proof that nobody changed it.</summary>
internal static class AuditCommands
{
    public static Command Create(Terminal terminal, Option<bool> json) =>
        new("audit", "The record of every act") { Export(terminal), Verify(terminal, json) };

    private static Command Export(Terminal terminal)
    {
        var file = new Argument<FileInfo>("FILE") { Description = "CSV to write; one that is there is replaced" };
        var export = new Command("export", "Save the whole chain as CSV (admins); the export itself is on record") { file };
        export.SetAction(async (parsed, cancellationToken) =>
        {
            FileInfo target = parsed.GetRequiredValue(file);
            await DownloadAsync(target.FullName, cancellationToken);
            terminal.Line($"The chain is in {target}; `hpcb audit verify {target}` checks it.");
            return ExitCode.Ok;
        });
        return export;
    }

    private static Command Verify(Terminal terminal, Option<bool> json)
    {
        var file = new Argument<FileInfo?>("FILE") { Arity = ArgumentArity.ZeroOrOne, Description = "An export; without it, one is fetched now" };
        var verify = new Command("verify", "Recompute the chain here, entry by entry; exit code 1 when it is broken") { file, json };
        verify.SetAction(async (parsed, cancellationToken) =>
        {
            ChainVerdict verdict = parsed.GetValue(file) is { } export
                ? Check(export)
                : await FetchAndCheckAsync(cancellationToken);
            return Report(terminal, verdict, parsed.GetValue(json));
        });
        return verify;
    }

    private static async Task<ChainVerdict> FetchAndCheckAsync(CancellationToken cancellationToken)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hpcb-");
        try
        {
            var export = new FileInfo(Path.Combine(folder.FullName, "audit.csv"));
            await DownloadAsync(export.FullName, cancellationToken);
            return Check(export);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task DownloadAsync(string path, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        await Download.SaveAsync(gateway, "api/v1/audit/export.csv", path, cancellationToken);
    }

    private static ChainVerdict Check(FileInfo export)
    {
        try
        {
            using StreamReader csv = export.OpenText();
            return ChainCsv.Verify(csv);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException(ExitCode.Failed, $"cannot read {export}: {unreadable.Message}", unreadable);
        }
    }

    private static int Report(Terminal terminal, ChainVerdict verdict, bool isJson)
    {
        switch (verdict)
        {
            case ChainVerdict.Whole whole:
                if (isJson) terminal.Json(new JsonObject { ["whole"] = true, ["entries"] = whole.Count, ["headHash"] = whole.HeadHash });
                else terminal.Facts(("Chain", "whole"), ("Entries", Amount.Count(whole.Count)), ("Head", whole.HeadHash));
                return ExitCode.Ok;

            case ChainVerdict.Broken broken:
                if (isJson) terminal.Json(Describe(broken));
                else terminal.Warn($"the chain is broken at entry {broken.Seq}{(broken.EntryId is { } id ? $" ({id})" : "")}: {broken.Reason}; good before it: {broken.GoodCount}");
                return ExitCode.Failed;

            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static JsonObject Describe(ChainVerdict.Broken broken) => new()
    {
        ["whole"] = false,
        ["entries"] = broken.GoodCount,
        ["firstBad"] = new JsonObject
        {
            ["seq"] = broken.Seq,
            ["entryId"] = broken.EntryId,
            ["fault"] = broken.Fault.ToString().ToLowerInvariant(),
            ["reason"] = broken.Reason,
        },
    };
}
