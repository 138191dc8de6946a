using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.Sources;

/// <summary>A source as clients see it. <c>Problem</c> says why it is not used though it is enabled, or would not be.</summary>
internal sealed record SourceView(
    Guid? Id, string Origin, string Cluster, string Name, string Kind, int Preference, bool Enabled, int Revision, string? Problem, SettingsView Settings, string? ChangedBy,
    DateTimeOffset? ChangedAt)
{
    public static SourceView Of(StoredSource row, string? problem) => new(
        row.Id, "admin", row.Cluster, row.Name, row.Kind, row.Preference, row.Enabled, row.Revision, problem, SettingsView.Of(row.Wanted().Settings), row.ChangedBy, row.ChangedAt);

    public static SourceView Of(SourceOptions source, int preference) => new(
        null, "configuration", source.Cluster, source.Name, source.Kind, preference, Enabled: true, Revision: 1, null, SettingsView.Of(source), null, null);
}

/// <summary>All settings, also those that nobody named.</summary>
internal sealed record SettingsView(
    string? Url, string? Socket, string? TokenFile, string? User, string? CaFile, string? CertificateFile, string? KeyFile, string? SlurmConf, string? Path, string? Fields,
    int TimeoutSeconds, int AnswerRecordsMax, bool ReadsSteps)
{
    private static readonly SourceOptions Default = new();

    public static SettingsView Of(SourceSettings said) => new(
        said.Url, said.Socket, said.TokenFile, said.User, said.CaFile, said.CertificateFile, said.KeyFile, said.SlurmConf, said.Path, said.Fields,
        said.TimeoutSeconds ?? Default.TimeoutSeconds, said.AnswerRecordsMax ?? Default.AnswerRecordsMax, said.ReadsSteps ?? Default.ReadsSteps);

    // Where the operator keeps his files is his business.
    public static SettingsView Of(SourceOptions source) => new(
        source.Url?.GetLeftPart(UriPartial.Authority), source.Socket, FileName(source.TokenFile), source.User, FileName(source.CaFile), FileName(source.CertificateFile),
        FileName(source.KeyFile), FileName(source.SlurmConf), source.Path, source.Fields, source.TimeoutSeconds, source.AnswerRecordsMax, source.ReadsSteps);

    private static string? FileName(string? path) => System.IO.Path.GetFileName(path);
}

/// <summary>What may be named when a source is set up.</summary>
internal sealed record ReachView(
    IReadOnlyList<string> Hosts, IReadOnlyList<string> Sockets, IReadOnlyList<string> Secrets, IReadOnlyList<string> SlurmConfs, IReadOnlyList<string> Folders)
{
    private const int SecretsMax = 200;

    public static ReachView Of(SourceReach reach) => new(reach.Hosts, reach.Sockets, SecretsIn(reach.SecretsPath), reach.SlurmConfs, reach.Folders);

    private static IReadOnlyList<string> SecretsIn(string? folder)
    {
        if (folder is null) return [];
        try
        {
            return [.. new DirectoryInfo(folder).EnumerateFiles().Select(file => file.Name).Where(SourceReach.IsFileName).Order(StringComparer.Ordinal).Take(SecretsMax)];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Not there yet: nothing can be named.
            return [];
        }
    }
}
