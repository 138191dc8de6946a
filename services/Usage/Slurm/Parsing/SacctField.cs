namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>
/// The fields of a sacct record that pricing needs, by sacct's names, and behind them those that tell what was used. Every other field is
/// passed over and never stored.
/// </summary>
internal enum SacctField
{
    JobId,
    JobIdRaw,
    Cluster,
    Partition,
    Qos,
    Account,
    User,
    Submit,
    Start,
    End,
    Elapsed,
    ElapsedRaw,
    State,
    AllocTres,
    Sluid,
    TotalCpu,
    MaxRss,
    NTasks,
    TresUsageInTot,
}

internal static class SacctFields
{
    public const int Count = (int)SacctField.TresUsageInTot + 1;

    /// <summary>Order of the logs that Open XDMoD keeps, which have no header.</summary>
    public const string Xdmod =
        "jobid,jobidraw,cluster,partition,qos,account,group,gid,user,uid,submit,eligible,start,end,elapsed,exitcode,state,nnodes,ncpus,"
        + "reqcpus,reqmem,reqtres,alloctres,timelimit,nodelist,jobname";

    private static readonly Dictionary<string, SacctField> ByName = Enum.GetValues<SacctField>()
        .ToDictionary(Name, StringComparer.OrdinalIgnoreCase);

    public static bool TryFind(string name, out SacctField field) => ByName.TryGetValue(name, out field);

    /// <summary>It tells what was used, which is shown and never charged.</summary>
    public static bool IsOfUse(this SacctField field) => field >= SacctField.TotalCpu;

    /// <summary>Name as sacct's manual writes it.</summary>
    public static string Name(this SacctField field) => field switch
    {
        SacctField.JobId => "JobID",
        SacctField.JobIdRaw => "JobIDRaw",
        SacctField.Qos => "QOS",
        SacctField.AllocTres => "AllocTRES",
        SacctField.Sluid => "SLUID",
        SacctField.TotalCpu => "TotalCPU",
        SacctField.MaxRss => "MaxRSS",
        SacctField.TresUsageInTot => "TRESUsageInTot",
        _ => field.ToString(),
    };
}
