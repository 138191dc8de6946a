using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.Sources;

/// <param name="Field">As clients know it: <c>cluster</c>, <c>settings.url</c>.</param>
/// <param name="Reason">What it should be.</param>
internal sealed record SourceProblem(string Field, string Reason)
{
    private const string Settings = "settings.";

    public static SourceProblem Of(string setting, string reason) => new(Settings + setting, reason);

    /// <summary>For people who look at the source.</summary>
    public override string ToString() => $"{(Field.StartsWith(Settings, StringComparison.Ordinal) ? Field[Settings.Length..] : Field)} {Reason}";
}

/// <summary>What an org's admins may point sources at, and what becomes of a source that keeps to it. What is not named is refused.</summary>
internal sealed record SourceReach
{
    private const int TextLengthMax = 500;
    private const int FieldsLengthMax = 2000;
    private const int FileNameLengthMax = 100;
    private const int UserLengthMax = 64;
    private const int PreferenceMax = 99;

    /// <summary>Of an org that the configuration does not name.</summary>
    public static readonly SourceReach None = new();

    private static readonly Dictionary<string, string[]> SettingsOf = new(StringComparer.Ordinal)
    {
        [SourceOptions.Slurmrestd] = ["url", "socket", "tokenFile", "user", "caFile", "certificateFile", "keyFile"],
        [SourceOptions.Sacct] = ["slurmConf"],
        [SourceOptions.Directory] = ["path", "fields"],
    };

    public IReadOnlyList<string> Hosts { get; private init; } = [];
    public IReadOnlyList<string> Sockets { get; private init; } = [];
    public string? SecretsPath { get; private init; }
    public string? Command { get; private init; }
    public IReadOnlyList<string> SlurmConfs { get; private init; } = [];
    public IReadOnlyList<string> Folders { get; private init; } = [];

    /// <param name="entries">Of one org.</param>
    public static SourceReach Of(IReadOnlyCollection<ReachOptions> entries) => new()
    {
        Hosts = [.. entries.SelectMany(entry => entry.Hosts).Select(host => HostOf(host)!).Distinct().Order(StringComparer.Ordinal)],
        Sockets = Sorted(entries.SelectMany(entry => entry.Sockets)),
        SecretsPath = entries.Select(entry => entry.SecretsPath).FirstOrDefault(path => path is not null),
        Command = entries.Select(entry => entry.Command).FirstOrDefault(path => path is not null),
        SlurmConfs = Sorted(entries.SelectMany(entry => entry.SlurmConfs)),
        Folders = Sorted(entries.SelectMany(entry => entry.Folders)),
    };

    /// <returns>The one way in which <c>host:port</c> is written; null when it is something else.</returns>
    public static string? HostOf(string text) =>
        text.LastIndexOf(':') is > 0 and int colon && text[(colon + 1)..] is { Length: > 0 and <= 5 } port && port.All(char.IsAsciiDigit)
        && Uri.TryCreate("https://" + text, UriKind.Absolute, out Uri? url) && IsHostAlone(url) && url.Port > 0 ? HostOf(url) : null;

    public static bool IsCanonical(string path) => System.IO.Path.IsPathFullyQualified(path) && System.IO.Path.GetFullPath(path) == path;

    /// <summary>A file's name and nothing that leads elsewhere.</summary>
    public static bool IsFileName(string name) =>
        name is { Length: > 0 and <= FileNameLengthMax } && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>May the org use this source?</summary>
    /// <param name="source">As an admin says it, trimmed.</param>
    /// <param name="resolve">Where a path leads when every link on the way is followed.</param>
    /// <param name="options">The source with whole paths; meaningful when there is no problem.</param>
    /// <returns>The first field to blame; null when the source may be used.</returns>
    public SourceProblem? Check(WantedSource source, Func<string, string> resolve, out SourceOptions options)
    {
        options = new SourceOptions { Org = source.Org, Cluster = source.Cluster, Name = source.Name, Kind = source.Kind };
        if (source.Preference is < 1 or > PreferenceMax) return new SourceProblem("preference", $"must lie between 1 and {PreferenceMax}");
        if (!SettingsOf.ContainsKey(source.Kind)) return OfOptions(options.Problem()!.Value);
        if (ProblemOfTexts(source) is { } text) return text;

        SourceSettings said = source.Settings;
        if (said.Url is { } url && !TryUrl(url, options)) return SourceProblem.Of("url", "must be https://host:port and nothing else");
        foreach ((string name, string? file) in Secrets(said))
        {
            if (file is null) continue;
            if (!IsFileName(file)) return SourceProblem.Of(name, $"must be the name of a file: letters, digits, '.', '_' and '-', at most {FileNameLengthMax}, and no path");
            if (SecretsPath is null) return SourceProblem.Of(name, "cannot be used: the operator names no folder for secrets (Usage:Reach, SecretsPath)");
        }

        Complete(said, options);
        return (options.Problem() is { } wrong ? OfOptions(wrong) : null) ?? ProblemOfReach(said, options, resolve);
    }

    /// <summary>Where a folder really is.</summary>
    /// <returns>Null when it lies, in the end, in no folder that may be watched.</returns>
    public string? Folder(string path, Func<string, string> resolve)
    {
        string real = resolve(path);
        return Folders.Any(folder => IsBelow(real, resolve(folder))) ? real : null;
    }

    private static SourceProblem? ProblemOfTexts(WantedSource source)
    {
        SourceSettings said = source.Settings;
        if (said.Unknown?.Keys.FirstOrDefault() is { } unknown) return SourceProblem.Of(unknown[..Math.Min(unknown.Length, UserLengthMax)], "is not a setting of a source");
        foreach ((string name, string? text) in said.Texts)
        {
            if (text is null) continue;
            if (!SettingsOf[source.Kind].Contains(name, StringComparer.Ordinal)) return SourceProblem.Of(name, $"is no setting of a source of the kind '{source.Kind}'");
            int longest = name == "fields" ? FieldsLengthMax : TextLengthMax;
            if (text.Length > longest || text.Any(char.IsControl)) return SourceProblem.Of(name, $"must have at most {longest} characters on one line");
        }

        if (said.User is { } user && (user.Length > UserLengthMax || !user.All(c => c is > ' ' and <= '~')))
            return SourceProblem.Of("user", $"must be a user's name of at most {UserLengthMax} characters");
        return null;
    }

    private SourceProblem? ProblemOfReach(SourceSettings said, SourceOptions options, Func<string, string> resolve)
    {
        if (options.Url is { } url && !Hosts.Contains(HostOf(url))) return SourceProblem.Of("url", "is not among the hosts that the operator allows");
        if (said.Socket is { } socket && !Sockets.Contains(socket)) return SourceProblem.Of("socket", "is not among the sockets that the operator allows");
        // Without one, sacct would ask whatever cluster the machine belongs to.
        if (options.Kind == SourceOptions.Sacct && (said.SlurmConf is not { } conf || !SlurmConfs.Contains(conf)))
            return SourceProblem.Of("slurmConf", "must be one of the files that the operator allows");
        return said.Path is { } path && Folder(path, resolve) is null ? SourceProblem.Of("path", "is not in a folder that the operator allows") : null;
    }

    private void Complete(SourceSettings said, SourceOptions options)
    {
        options.Socket = said.Socket;
        options.TokenFile = Secret(said.TokenFile);
        options.User = said.User;
        options.CaFile = Secret(said.CaFile);
        options.CertificateFile = Secret(said.CertificateFile);
        options.KeyFile = Secret(said.KeyFile);
        options.SlurmConf = said.SlurmConf;
        options.Path = said.Path;
        options.Fields = said.Fields;
        options.Command = Command ?? options.Command;
        options.TimeoutSeconds = said.TimeoutSeconds ?? options.TimeoutSeconds;
        options.AnswerRecordsMax = said.AnswerRecordsMax ?? options.AnswerRecordsMax;
        options.ReadsSteps = said.ReadsSteps ?? options.ReadsSteps;
    }

    private static bool TryUrl(string text, SourceOptions options)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || !IsHostAlone(url)) return false;
        options.Url = url;
        return true;
    }

    // Of slurmrestd's or an http address alone; other schemes have other ideas of a host.
    private static bool IsHostAlone(Uri url) =>
        (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp) && url.UserInfo.Length == 0 && url.PathAndQuery == "/" && url.Fragment.Length == 0 && url.IdnHost.Length > 0;

    private static string HostOf(Uri url) => $"{(url.HostNameType == UriHostNameType.IPv6 ? url.Host : url.IdnHost)}:{url.Port}".ToLowerInvariant();

    private static bool IsBelow(string path, string folder) =>
        path == folder || path.StartsWith(folder.EndsWith('/') ? folder : folder + "/", StringComparison.Ordinal);

    private string? Secret(string? name) => name is null ? null : System.IO.Path.Combine(SecretsPath!, name);

    private static IEnumerable<(string Name, string? File)> Secrets(SourceSettings said) =>
        [("tokenFile", said.TokenFile), ("caFile", said.CaFile), ("certificateFile", said.CertificateFile), ("keyFile", said.KeyFile)];

    private static SourceProblem OfOptions((string Key, string Reason) problem)
    {
        string name = char.ToLowerInvariant(problem.Key[0]) + problem.Key[1..];
        return problem.Key is nameof(SourceOptions.Cluster) or nameof(SourceOptions.Name) or nameof(SourceOptions.Kind)
            ? new SourceProblem(name, problem.Reason)
            : SourceProblem.Of(name, problem.Reason);
    }

    private static string[] Sorted(IEnumerable<string> paths) => [.. paths.Distinct().Order(StringComparer.Ordinal)];
}

/// <summary>A source as an admin wants it.</summary>
/// <param name="Org">Tenant.</param>
/// <param name="Cluster">Slurm's name of the cluster.</param>
/// <param name="Name">What people call the source.</param>
/// <param name="Kind"><c>slurmrestd</c>, <c>sacct</c> or <c>directory</c>.</param>
/// <param name="Preference">1 for the most preferred.</param>
/// <param name="Settings">Trimmed.</param>
internal sealed record WantedSource(Guid Org, string Cluster, string Name, string Kind, int Preference, SourceSettings Settings);
