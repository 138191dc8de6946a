using System.Diagnostics;
using System.Text;
using System.Text.Json;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Quarantine;

/// <summary>What a record in quarantine is when it is read again.</summary>
internal abstract record KeptRecord
{
    private static readonly LineProblem NotWhole = new(LineProblem.BadField, null, "What was kept of it is not a whole record.");

    private KeptRecord()
    {
    }

    internal sealed record IsRun(JobRun Run) : KeptRecord;

    /// <summary>A step: nothing to charge.</summary>
    internal sealed record IsStep : KeptRecord;

    internal sealed record IsNone(LineProblem Problem) : KeptRecord;

    /// <summary>Reads the text with the parser of today.</summary>
    /// <param name="form">How it is written.</param>
    /// <param name="cluster">Of the request or of the read; null where the text has to name it.</param>
    /// <param name="text">As it was kept.</param>
    public static KeptRecord Read(TextForm form, string? cluster, string text) => form.Format switch
    {
        TextForm.Sacct => ReadLine(form.Layout, cluster, text),
        TextForm.Slurmdb => ReadJson(form.Layout, cluster ?? "", text),
        _ => throw new UnreachableException(form.Format),
    };

    private static KeptRecord ReadLine(string columns, string? cluster, string text)
    {
        if (!SacctLayout.TryCreate([.. columns.Split('|').Select(name => name.Trim())], cluster, out SacctLayout layout, out string refusal))
            return new IsNone(new LineProblem(LineProblem.BadField, null, refusal));
        return new SacctLineParser(layout).Parse(Encoding.UTF8.GetBytes(text), out JobRun run, out LineProblem? problem) switch
        {
            LineKind.Run => new IsRun(run),
            LineKind.Step => new IsStep(),
            _ => new IsNone(problem!),
        };
    }

    private static KeptRecord ReadJson(string told, string cluster, string text)
    {
        if (!DataVersion.TryParse(told, out DataVersion version)) return new IsNone(NotWhole);
        try
        {
            using var record = JsonDocument.Parse(text);
            return new JobRecordParser(cluster, version).TryParse(record.RootElement, out JobRun run, out LineProblem? problem) ? new IsRun(run) : new IsNone(problem!);
        }
        catch (JsonException)
        {
            return new IsNone(NotWhole);
        }
    }
}
