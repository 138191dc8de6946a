using HpcBilling.ServiceDefaults;

namespace HpcBilling.Usage.Sources;

/// <summary>
/// One entry of <c>Usage:Reach</c>: what an org's admins may point sources at. Entries of one org add up; without one they can add none.
/// </summary>
public sealed class ReachOptions
{
    /// <summary>The tenant whose admins it is for.</summary>
    public Guid Org { get; set; } = Orgs.Default;

    /// <summary>Addresses of slurmrestd, <c>host:port</c>.</summary>
    public IList<string> Hosts { get; init; } = [];

    /// <summary>Absolute paths of slurmrestd's Unix sockets.</summary>
    public IList<string> Sockets { get; init; } = [];

    /// <summary>Absolute path of the folder whose files may be named as token, authorities, certificate and key; one an org.</summary>
    public string? SecretsPath { get; set; }

    /// <summary>Absolute path of <c>sacct</c>, where it is not <c>/usr/bin/sacct</c>; one an org.</summary>
    public string? Command { get; set; }

    /// <summary>Absolute paths of the <c>slurm.conf</c> files that sacct may be run with.</summary>
    public IList<string> SlurmConfs { get; init; } = [];

    /// <summary>Absolute paths of folders that may be watched, and whatever folder lies below them.</summary>
    public IList<string> Folders { get; init; } = [];

    /// <returns>The keys to blame and what they should be.</returns>
    internal IEnumerable<(string Key, string Reason)> Problems()
    {
        foreach ((string host, int index) in Hosts.Select((host, index) => (host, index)))
        {
            if (SourceReach.HostOf(host) is null) yield return ($"{nameof(Hosts)}:{index}", "must be host:port");
        }

        (string Key, string? Path)[] paths =
        [
            .. Keyed(nameof(Sockets), Sockets), (nameof(SecretsPath), SecretsPath), (nameof(Command), Command), .. Keyed(nameof(SlurmConfs), SlurmConfs), .. Keyed(nameof(Folders), Folders),
        ];
        foreach ((string key, string? path) in paths)
        {
            if (path is not null && !SourceReach.IsCanonical(path)) yield return (key, "must be an absolute path, without '..' and the like");
        }
    }

    private static IEnumerable<(string Key, string? Path)> Keyed(string key, IEnumerable<string> paths) => paths.Select((path, index) => ($"{key}:{index}", (string?)path));
}
