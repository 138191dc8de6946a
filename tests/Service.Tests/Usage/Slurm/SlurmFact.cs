namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>A test against a real cluster; skipped, with the reason, where there is none to start.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SlurmFactAttribute : FactAttribute
{
    private static readonly string[] Programs =
    [
        "/usr/sbin/munged", "/usr/sbin/mariadbd", "/usr/sbin/slurmdbd", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/slurmrestd", "/usr/bin/sacct",
    ];

    public SlurmFactAttribute()
    {
        string[] missing = [.. Programs.Where(program => !File.Exists(program))];
        if (missing.Length > 0) Skip = $"Slurm is not installed here: {string.Join(", ", missing)} missing.";
        else if (Environment.UserName != "root") Skip = "A cluster runs jobs under several users; only root can start one.";
    }
}
