using System.Globalization;

namespace HpcBilling.Benchmarks;

/// <summary>An accounting log of any length, always the same: 200 users, 40 accounts, every seventh run with GPUs.</summary>
internal static class GeneratedLog
{
    public const string Header = "JobID|JobIDRaw|Cluster|Partition|QOS|Account|User|Submit|Start|End|ElapsedRaw|State|AllocTRES|JobName";

    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void Write(string path, int rows)
    {
        using var log = new StreamWriter(path);
        log.Write(Header + '\n');
        for (int row = 1; row <= rows; row++) log.Write(Line(row));
    }

    public static string Line(int job)
    {
        int cpus = 1 << (job % 7);
        int gpus = job % 7 == 0 ? 1 + (job % 4) : 0;
        int seconds = 1 + (int)(job * 7919L % 86_400);
        DateTimeOffset submit = Epoch.AddSeconds(job);
        DateTimeOffset start = submit.AddSeconds(job % 600);
        string gres = gpus == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"gres/gpu:a100={gpus},gres/gpu={gpus},");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{job}|{job}|bench|{(gpus == 0 ? "cpu" : "gpu")}|normal|account{job % 40}|user{job % 200}|{submit:s}|{start:s}|{start.AddSeconds(seconds):s}|"
            + $"{seconds}|{(job % 11 == 0 ? "FAILED" : "COMPLETED")}|billing={cpus},cpu={cpus},{gres}mem={cpus * 4}G,node=1|work-{job}\n");
    }
}
