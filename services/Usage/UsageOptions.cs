using System.ComponentModel.DataAnnotations;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Sources;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage;

/// <summary>Section <c>Usage</c>.</summary>
public sealed class UsageOptions
{
    public const string Section = "Usage";

    /// <summary>This service's name at identity.</summary>
    public const string ClientId = "usage";

    /// <summary>Folder for uploads until they are imported; replicas share it. It is created when missing.</summary>
    [Required(ErrorMessage = "Usage:SpoolPath is missing: uploads could not be kept.")]
    public string SpoolPath { get; set; } = "";

    /// <summary>Largest file that is accepted, bytes.</summary>
    [Range(1, 1L << 50)]
    public long UploadBytesMax { get; set; } = 2L << 30;

    /// <summary>Days that files are kept: uploads that nobody finished, those of imports that were given up or cancelled, and exports.</summary>
    [Range(1, 365)]
    public int UploadDaysMax { get; set; } = 7;

    /// <summary>How long a job that has fallen silent is left to its worker, seconds.</summary>
    [Range(2, 600)]
    public int LeaseSeconds { get; set; } = 10;

    /// <summary>Lines that are stored in one transaction.</summary>
    [Range(1, 1_000_000)]
    public int ChunkLinesMax { get; set; } = 20_000;

    /// <summary>Attempts without progress before a job is given up.</summary>
    [Range(1, 100)]
    public int AttemptsMax { get; set; } = 10;

    /// <summary>Longest pause before the next attempt, seconds; the first is one second, and each is twice the one before.</summary>
    [Range(1, 3600)]
    public int RetrySecondsMax { get; set; } = 60;

    /// <summary>This service's secret at identity; with it, it asks rating what became of runs. Without it, no month can be reconciled.</summary>
    [MinLength(32, ErrorMessage = "Usage:ClientSecret must have at least 32 characters")]
    public string? ClientSecret { get; set; }

    /// <summary>Where records come from besides uploads; the order is the order of preference within a cluster.</summary>
    public IList<SourceOptions> Sources { get; init; } = [];

    /// <summary>What admins may point sources of their own at; without it they can add none.</summary>
    public IList<ReachOptions> Reach { get; init; } = [];
}

/// <summary>Completes the sources and refuses what could not work, with the key and the reason.</summary>
internal sealed class UsageOptionsCheck : IPostConfigureOptions<UsageOptions>, IValidateOptions<UsageOptions>
{
    public void PostConfigure(string? name, UsageOptions options)
    {
        foreach (SourceOptions source in options.Sources) source.Complete();
    }

    public ValidateOptionsResult Validate(string? name, UsageOptions options)
    {
        var problems = new List<string>();
        for (int i = 0; i < options.Sources.Count; i++)
        {
            if (options.Sources[i].Problem() is var (key, reason)) problems.Add($"{UsageOptions.Section}:Sources:{i}:{key} {reason}.");
        }

        IEnumerable<string> twice = options.Sources.CountBy(source => (source.Org, source.Cluster, source.Name)).Where(same => same.Value > 1)
            .Select(same => $"{UsageOptions.Section}:Sources: cluster {same.Key.Cluster} has two sources of the name {same.Key.Name}; give one a Name.");
        problems.AddRange(twice);
        for (int i = 0; i < options.Reach.Count; i++)
            problems.AddRange(options.Reach[i].Problems().Select(problem => $"{UsageOptions.Section}:Reach:{i}:{problem.Key} {problem.Reason}."));
        problems.AddRange(Twice(options, nameof(ReachOptions.SecretsPath), entry => entry.SecretsPath));
        problems.AddRange(Twice(options, nameof(ReachOptions.Command), entry => entry.Command));
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
    private static IEnumerable<string> Twice(UsageOptions options, string key, Func<ReachOptions, string?> value) =>
        options.Reach.Where(entry => value(entry) is not null).GroupBy(entry => entry.Org).Where(org => org.Select(value).Distinct().Count() > 1)
            .Select(org => $"{UsageOptions.Section}:Reach: org {org.Key} has two different values of {key}.");
}
