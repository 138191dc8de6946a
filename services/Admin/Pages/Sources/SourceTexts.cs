using HpcBilling.Admin.Clients;
using HpcBilling.Ui;

namespace HpcBilling.Admin.Pages.Sources;

internal static class SourceTexts
{
    /// <summary>A kind in words.</summary>
    public static string Kind(string? kind) => kind switch
    {
        SourceKinds.Slurmrestd => Words.KindSlurmrestd,
        SourceKinds.Sacct => Words.KindSacct,
        SourceKinds.Directory => Words.KindDirectory,
        _ => kind ?? "",
    };
}

/// <summary>What the operator has not allowed: a kind of source, or (null) any.</summary>
public sealed record SourceGap(string? Kind)
{
    /// <summary>Settings that would.</summary>
    public string Settings => Kind switch
    {
        SourceKinds.Slurmrestd => "Usage:Reach:0:Hosts, Usage:Reach:0:Sockets",
        SourceKinds.Sacct => "Usage:Reach:0:SlurmConfs",
        SourceKinds.Directory => "Usage:Reach:0:Folders",
        _ => "Usage:Reach",
    };
}
