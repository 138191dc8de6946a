using System.Globalization;
using System.Text;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>A made-up accounting log whose sums are known, the same at every call with the same seed.</summary>
public sealed class AccountingLog
{
    private const string Header = "JobID|JobIDRaw|Cluster|Partition|QOS|Account|User|Submit|Start|End|ElapsedRaw|State|AllocTRES";
    private static readonly DateTimeOffset Epoch = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private AccountingLog(string cluster, IReadOnlyList<string> users, int runs)
    {
        Cluster = cluster;
        Users = users;
        Runs = runs;
    }

    public string Cluster { get; }

    public IReadOnlyList<string> Users { get; }

    public int Runs { get; }

    public long CoreSeconds { get; private set; }

    public long GpuSeconds { get; private set; }

    public string Text { get; private set; } = "";

    /// <param name="cluster">Name of the cluster; with the job ids it makes the runs of two logs different ones.</param>
    /// <param name="runs">Runs in the log.</param>
    /// <param name="users">Who ran them, in turn.</param>
    public static AccountingLog Make(string cluster, int runs, params string[] users)
    {
        var log = new AccountingLog(cluster, users, runs);
        var random = new Random(runs);
        var text = new StringBuilder(Header).Append('\n');
        for (int i = 0; i < runs; i++)
        {
            int cpus = 1 << random.Next(0, 7);
            int gpus = random.Next(4) == 0 ? random.Next(1, 5) : 0;
            int seconds = random.Next(60, 86_400);
            DateTimeOffset start = Epoch.AddSeconds(random.Next(0, 2_000_000));
            log.CoreSeconds += (long)cpus * seconds;
            log.GpuSeconds += (long)gpus * seconds;
            string gpu = gpus > 0 ? $",gres/gpu={gpus}" : "";
            text.Append(CultureInfo.InvariantCulture, $"{1000 + i}|{1000 + i}|{cluster}|batch|normal|physics|{users[i % users.Length]}|");
            text.Append(CultureInfo.InvariantCulture, $"{start.AddSeconds(-30):s}|{start:s}|{start.AddSeconds(seconds):s}|{seconds}|COMPLETED|");
            text.Append(CultureInfo.InvariantCulture, $"billing={cpus},cpu={cpus}{gpu},mem={cpus * 2048}M,node=1\n");
        }

        log.Text = text.ToString();
        return log;
    }

    public string WriteTo(string folder)
    {
        string path = Path.Combine(folder, Cluster + ".psv");
        File.WriteAllText(path, Text);
        return path;
    }
}
