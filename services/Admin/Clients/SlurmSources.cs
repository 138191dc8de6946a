using System.Text.Json.Serialization;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Where records come from, as the usage service keeps it: sources of the configuration, and those that admins set up.</summary>
public sealed class SlurmSources(ServiceApi api)
{
    private const string Service = "usage";
    private const string Path = "/api/v1/sources";

    // The service itself gives up after 20 s.
    private static readonly TimeSpan CheckTimeMax = TimeSpan.FromSeconds(30);

    public Task<Answer<SourceList>> ListAsync(CancellationToken ct) => api.GetAsync<SourceList>(Service, Path, new Query(), ct);

    public Task<Answer<SlurmSource>> AddAsync(SourceWish wish, CancellationToken ct) => api.SendAsync<SlurmSource>(Service, HttpMethod.Post, Path, wish, ct);

    public Task<Answer<SlurmSource>> ChangeAsync(Guid id, SourceWish wish, CancellationToken ct) =>
        api.SendAsync<SlurmSource>(Service, HttpMethod.Put, $"{Path}/{id}", wish, ct);

    public Task<Answer<RemovedSource>> RemoveAsync(Guid id, CancellationToken ct) => api.SendAsync<RemovedSource>(Service, HttpMethod.Delete, $"{Path}/{id}", new { }, ct);

    /// <summary>Asks the source for the last hour; nothing is stored.</summary>
    public async Task<Answer<SourceCheck>> CheckAsync(SourceWish wish, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(CheckTimeMax);
        try
        {
            return await api.SendAsync<SourceCheck>(Service + ServiceClients.PatientSuffix, HttpMethod.Post, Path + "/check", wish, patience.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new Answer<SourceCheck>.Unreachable(Service);
        }
    }
}

/// <summary>Ordered by cluster and preference.</summary>
public sealed record SourceList(IReadOnlyList<SlurmSource> Items, SourceReach Reach, int SourcesMax)
{
    public int OwnCount => Items.Count(source => source.IsOwn);

    public SlurmSource? Find(string? cluster, string? name) => Items.FirstOrDefault(source => source.Cluster == cluster && source.Name == name);
}

/// <summary>A source; origin <c>configuration</c> (the operator's, without an id) or <c>admin</c>.</summary>
public sealed record SlurmSource(
    Guid? Id,
    string Origin,
    string Cluster,
    string Name,
    string Kind,
    int Preference,
    bool Enabled,
    long Revision,
    string? Problem,
    SourceSettings Settings,
    string? ChangedBy,
    DateTimeOffset? ChangedAt)
{
    /// <summary>Admins may change it.</summary>
    public bool IsOwn => Id is not null && Origin == "admin";

    /// <summary>Page of the source; it is named, and the id stays here.</summary>
    public string Page(string page) => new Query { ["cluster"] = Cluster, ["source"] = Name }.On("/admin/sources/" + page);
}

/// <summary>Settings of all kinds; those that a kind does not have are null, and not sent.</summary>
public sealed class SourceSettings
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Url { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Socket { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? TokenFile { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? User { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? CaFile { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? CertificateFile { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? KeyFile { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? SlurmConf { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Path { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Fields { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? TimeoutSeconds { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? AnswerRecordsMax { get; set; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public bool? ReadsSteps { get; set; }

    /// <summary>Where it points.</summary>
    [JsonIgnore] public string? Target => Url ?? Socket ?? SlurmConf ?? Path;

    /// <summary>What a kind has of them.</summary>
    public SourceSettings Of(string? kind) => kind switch
    {
        SourceKinds.Slurmrestd => new SourceSettings
        {
            Url = Url?.TrimEnd('/'), Socket = Socket, TokenFile = TokenFile, User = User, CaFile = CaFile, CertificateFile = CertificateFile, KeyFile = KeyFile,
            TimeoutSeconds = TimeoutSeconds, AnswerRecordsMax = AnswerRecordsMax, ReadsSteps = ReadsSteps,
        },
        SourceKinds.Sacct => new SourceSettings { SlurmConf = SlurmConf, TimeoutSeconds = TimeoutSeconds, AnswerRecordsMax = AnswerRecordsMax, ReadsSteps = ReadsSteps },
        _ => new SourceSettings { Path = Path, Fields = Fields },
    };
}

public static class SourceKinds
{
    public const string Slurmrestd = "slurmrestd";
    public const string Sacct = "sacct";
    public const string Directory = "directory";

    public static readonly IReadOnlyList<string> All = [Slurmrestd, Sacct, Directory];
}

/// <summary>What the operator lets this organisation's sources point at (<c>Usage:Reach</c>).</summary>
public sealed record SourceReach(
    IReadOnlyList<string> Hosts, IReadOnlyList<string> Sockets, IReadOnlyList<string> Secrets, IReadOnlyList<string> SlurmConfs, IReadOnlyList<string> Folders)
{
    public bool IsEmpty => !SourceKinds.All.Any(Allows);

    /// <summary>The hosts as addresses; plain HTTP for this machine alone.</summary>
    public IReadOnlyList<string> Urls =>
    [
        .. from scheme in (string[])["https", "http"]
           from host in Hosts
           let url = Uri.TryCreate($"{scheme}://{host}", UriKind.Absolute, out Uri? parsed) ? parsed : null
           where url is not null && (scheme == "https" || url.IsLoopback)
           select url.GetLeftPart(UriPartial.Authority), // as the service writes it: without the scheme's own port
    ];

    public bool Allows(string? kind) => kind switch
    {
        SourceKinds.Slurmrestd => Hosts.Count + Sockets.Count > 0,
        SourceKinds.Sacct => SlurmConfs.Count > 0,
        _ => Folders.Count > 0,
    };
}

/// <summary>A source as it is to be; a change names the revision that it was made from.</summary>
public sealed record SourceWish(
    string Cluster,
    string Name,
    string Kind,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Preference,
    bool Enabled,
    SourceSettings Settings,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Revision);

/// <summary>What came of trying a source.</summary>
/// <param name="Works">It answered.</param>
/// <param name="Version">Of the data that it speaks; null where there is none.</param>
/// <param name="Records">Of the last hour, in the first answer; of a folder, its files.</param>
/// <param name="Error">Why it does not work.</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record SourceCheck(bool Works, string? Version, long? Records, string? Error, long Milliseconds);

public sealed record RemovedSource;
