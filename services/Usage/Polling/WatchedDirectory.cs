using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Sources;

namespace HpcBilling.Usage.Polling;

/// <summary>A folder whose files are imported.</summary>
internal sealed class WatchedDirectory(SourceOptions options, SourceReach? reach)
{
    public SourceOptions Options => options;

    /// <summary>Its place among the sources of its cluster.</summary>
    public int Preference { get; set; }

    /// <summary>Where it is now: links may have changed since somebody looked.</summary>
    /// <exception cref="IOException">It leads out of what may be watched.</exception>
    public string Folder() => reach is null
        ? options.Path!
        : reach.Folder(options.Path!, RealPath.Of) ?? throw new IOException($"{options.Path} is not in a folder that the operator allows.");
}
