using System.Text.Json;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.Sources;

/// <summary>What a client says of a source. Without a name it is called after its kind.</summary>
internal sealed record SourceRequest(string? Cluster, string? Name, string? Kind, int? Preference, bool? Enabled, SourceSettings? Settings, int? Revision)
{
    /// <returns>The first field to blame; null when the org may use such a source.</returns>
    public SourceProblem? Check(Guid org, SourceRules rules, out WantedSource wanted, out SourceOptions options)
    {
        string kind = Kind?.Trim() ?? "";
        string name = Name?.Trim() is { Length: > 0 } said ? said : kind;
        bool isNamed = SlurmName.TryCluster(Cluster?.Trim(), out string cluster);
        wanted = new WantedSource(org, cluster, name, kind, Preference ?? 0, (Settings ?? new SourceSettings()).Trimmed());
        options = new SourceOptions();
        return isNamed
            ? rules.Check(wanted, out options)
            : new SourceProblem("cluster", "must be the cluster's name: letters, digits, '_', '-' and '.'");
    }

    /// <summary>The row with every setting filled in, as it is used.</summary>
    public SourceRow Row(Guid id, WantedSource wanted, SourceOptions options, Caller caller, DateTimeOffset now) => new(
        id, wanted.Org, wanted.Cluster, wanted.Name, wanted.Kind, wanted.Preference, JsonSerializer.Serialize(Filled(wanted.Settings, options), JsonSerializerOptions.Web),
        Enabled ?? true, caller.Username, now);

    private static SourceSettings Filled(SourceSettings said, SourceOptions options) => said with
    {
        Url = options.Url?.GetLeftPart(UriPartial.Authority),
        TimeoutSeconds = options.TimeoutSeconds,
        AnswerRecordsMax = options.AnswerRecordsMax,
        ReadsSteps = options.ReadsSteps,
    };
}
