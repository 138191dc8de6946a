using HpcBilling.ServiceDefaults;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm;

/// <summary>One entry of <c>Usage:Sources</c>. The order of the entries is the order of preference within a cluster.</summary>
public sealed class SourceOptions
{
    public const string Slurmrestd = "slurmrestd";
    public const string Sacct = "sacct";
    public const string Directory = "directory";

    private const int NameLengthMax = 60;

    /// <summary>The tenant whose cluster it is.</summary>
    public Guid Org { get; set; } = Orgs.Default;

    /// <summary>Slurm's name of the cluster.</summary>
    public string Cluster { get; set; } = "";

    /// <summary>What people call the source; by default its kind.</summary>
    public string Name { get; set; } = "";

    /// <summary><c>slurmrestd</c>, <c>sacct</c> or <c>directory</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>slurmrestd: its address, <c>https://host:port</c>; <c>http</c> for this machine alone.</summary>
    public Uri? Url { get; set; }

    /// <summary>slurmrestd: absolute path of its Unix socket, in place of an address.</summary>
    public string? Socket { get; set; }

    /// <summary>slurmrestd: file that holds the JWT; read before every question, so that it may be replaced at any time.</summary>
    public string? TokenFile { get; set; }

    /// <summary>slurmrestd: user of the token, sent as <c>X-SLURM-USER-NAME</c>; without it the token goes as a bearer token.</summary>
    public string? User { get; set; }

    /// <summary>slurmrestd: PEM file of the certification authorities to trust in place of the machine's.</summary>
    public string? CaFile { get; set; }

    /// <summary>slurmrestd: PEM file of this client's certificate, for mutual TLS.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>slurmrestd: PEM file of that certificate's key.</summary>
    public string? KeyFile { get; set; }

    /// <summary>sacct: absolute path of the program.</summary>
    public string Command { get; set; } = "/usr/bin/sacct";

    /// <summary>sacct: absolute path of the <c>slurm.conf</c> to use; null for the machine's own.</summary>
    public string? SlurmConf { get; set; }

    /// <summary>directory: absolute path of the folder that is watched.</summary>
    public string? Path { get; set; }

    /// <summary>directory: fields of files that have no header, as an upload names them.</summary>
    public string? Fields { get; set; }

    /// <summary>Longest time that one question may take, seconds.</summary>
    public int TimeoutSeconds { get; set; } = 120;

    /// <summary>Records that one question may bring; when there are more, a shorter span is asked for.</summary>
    public int AnswerRecordsMax { get; set; } = 200_000;

    /// <summary>slurmrestd and sacct: ask for steps as well, in a question of its own, to show what runs made use of. Nothing is charged by it.</summary>
    public bool ReadsSteps { get; set; } = true;

    /// <summary>Completes the defaults that depend on other values.</summary>
    internal void Complete()
    {
        if (SlurmName.TryCluster(Cluster, out string cluster)) Cluster = cluster;
        if (Name.Length == 0) Name = Kind;
    }

    /// <returns>Null, or the key to blame and what it should be.</returns>
    internal (string Key, string Reason)? Problem()
    {
        if (!SlurmName.TryCluster(Cluster, out _)) return (nameof(Cluster), "must be the cluster's name: letters, digits, '_', '-' and '.'");
        if (Name.Length is 0 or > NameLengthMax || SlurmName.HasControl(Name)) return (nameof(Name), $"must have 1 to {NameLengthMax} characters");
        if (TimeoutSeconds is < 1 or > 3600) return (nameof(TimeoutSeconds), "must lie between 1 and 3600");
        if (AnswerRecordsMax is < 1 or > 10_000_000) return (nameof(AnswerRecordsMax), "must lie between 1 and 10000000");
        return Kind switch
        {
            Slurmrestd => ProblemOfSlurmrestd(),
            Sacct => ProblemOfFile(nameof(Command), Command) ?? ProblemOfFile(nameof(SlurmConf), SlurmConf),
            Directory when !IsAbsolute(Path) => (nameof(Path), "must be the absolute path of a folder"),
            Directory when Fields is not null && !SacctLayout.TryCreate(SacctLayout.SplitFields(Fields), Cluster, out _, out string why) => (nameof(Fields), $"cannot be: {why}"),
            Directory => null,
            _ => (nameof(Kind), $"must be '{Slurmrestd}', '{Sacct}' or '{Directory}'"),
        };
    }

    private (string Key, string Reason)? ProblemOfSlurmrestd()
    {
        if ((Url is null) == (Socket is null)) return (nameof(Url), $"either this or {nameof(Socket)} must say where slurmrestd is");
        if (Socket is not null) return ProblemOfFile(nameof(Socket), Socket) ?? ProblemOfFile(nameof(TokenFile), TokenFile);
        if (!Url!.IsAbsoluteUri || Url.UserInfo.Length > 0 || Url.PathAndQuery != "/") return (nameof(Url), "must be https://host:port and nothing else");
        if (Url.Scheme != Uri.UriSchemeHttps && !(Url.Scheme == Uri.UriSchemeHttp && Url.IsLoopback))
            return (nameof(Url), "must be https; http is for this machine's loopback alone");
        if ((CertificateFile is null) != (KeyFile is null)) return (nameof(KeyFile), $"belongs to {nameof(CertificateFile)}: both or neither");
        if (TokenFile is null && CertificateFile is null) return (nameof(TokenFile), $"must name the file of a token, or {nameof(CertificateFile)} a client's certificate");
        return ProblemOfFile(nameof(TokenFile), TokenFile) ?? ProblemOfFile(nameof(CaFile), CaFile)
            ?? ProblemOfFile(nameof(CertificateFile), CertificateFile) ?? ProblemOfFile(nameof(KeyFile), KeyFile);
    }

    // Whether it is there is seen when it is used: a socket or a token may come later than this process.
    private static (string Key, string Reason)? ProblemOfFile(string key, string? path) =>
        path is null || IsAbsolute(path) ? null : (key, "must be an absolute path");

    private static bool IsAbsolute(string? path) => path is not null && System.IO.Path.IsPathFullyQualified(path) && System.IO.Path.GetFullPath(path) == path;
}
