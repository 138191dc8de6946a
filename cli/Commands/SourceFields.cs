using System.CommandLine;
using System.Text.Json.Nodes;

namespace HpcBilling.Cli.Commands;

/// <summary>What the command line says of a source; what it does not say stays as it is.</summary>
internal sealed class SourceFields
{
    private readonly Option<string?> name = Of("--name", "TEXT", "What to call it; by default its kind");
    private readonly Option<int?> preference = new("--preference") { HelpName = "1-99", Description = "1 for the most preferred" };
    private readonly Option<bool?> enabled = new("--enabled") { HelpName = "true|false", Description = "false: it is kept, and not asked" };
    private readonly (string Setting, Option<string?> Option)[] texts =
    [
        ("url", Of("--url", "URL", "slurmrestd: https://host:port")),
        ("socket", Of("--socket", "PATH", "slurmrestd: its Unix socket, in place of an address")),
        ("tokenFile", Of("--token-file", "NAME", "slurmrestd: file with the token, in the operator's folder")),
        ("user", Of("--user", "NAME", "slurmrestd: user of the token; without it the token goes as a bearer token")),
        ("caFile", Of("--ca-file", "NAME", "slurmrestd: file with the authorities to trust in place of the machine's")),
        ("certificateFile", Of("--certificate-file", "NAME", "slurmrestd: file with a client's certificate")),
        ("keyFile", Of("--key-file", "NAME", "slurmrestd: file with that certificate's key")),
        ("slurmConf", Of("--slurm-conf", "PATH", "sacct: the slurm.conf to run it with")),
        ("path", Of("--path", "PATH", "directory: the folder to watch")),
        ("fields", Of("--fields", "LIST", "directory: fields of files without a header, as for `hpcb import`")),
    ];
    private readonly Option<int?> timeout = new("--timeout-seconds") { HelpName = "N", Description = "Longest time of one question" };
    private readonly Option<int?> answerMax = new("--answer-records-max") { HelpName = "N", Description = "Records that one question may bring" };
    private readonly Option<bool?> steps = new("--reads-steps") { HelpName = "true|false", Description = "Ask for steps as well, to show what runs made use of" };

    public Option<string?> Cluster { get; } = Of("--cluster", "NAME", "Slurm's name of the cluster");

    public Option<string?> Kind { get; } = Of("--kind", "slurmrestd|sacct|directory", "What it is");

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Cluster, Kind, name, preference, enabled, .. texts.Select(text => text.Option), timeout, answerMax, steps]) command.Options.Add(option);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="source">The body of a request; it is changed.</param>
    public JsonObject Apply(ParseResult parsed, JsonObject source)
    {
        if (parsed.GetValue(Cluster) is { } cluster) source["cluster"] = cluster;
        if (parsed.GetValue(Kind) is { } kind) source["kind"] = kind;
        if (parsed.GetValue(name) is { } called) source["name"] = called;
        if (parsed.GetValue(preference) is { } place) source["preference"] = place;
        if (parsed.GetValue(enabled) is { } isEnabled) source["enabled"] = isEnabled;
        JsonObject settings = source["settings"]!.AsObject();
        foreach ((string setting, Option<string?> option) in texts)
        {
            if (parsed.GetValue(option) is { } text) settings[setting] = text.Length == 0 ? null : text;
        }

        if (parsed.GetValue(timeout) is { } seconds) settings["timeoutSeconds"] = seconds;
        if (parsed.GetValue(answerMax) is { } records) settings["answerRecordsMax"] = records;
        if (parsed.GetValue(steps) is { } readsSteps) settings["readsSteps"] = readsSteps;
        return source;
    }

    private static Option<string?> Of(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description };
}
