using System.Globalization;
using System.Text;

namespace HpcBilling.Service.Tests.Usage;

/// <summary>Accounting logs made up for tests: the same number always gives the same run.</summary>
internal static class SacctLog
{
    public const string Header = "JobID|JobIDRaw|Cluster|Partition|QOS|Account|User|Submit|Start|End|Elapsed|State|AllocTRES|JobName";

    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static string Of(IEnumerable<string> lines) => string.Concat(lines.Prepend(Header).Select(line => line + '\n'));

    public static IEnumerable<string> Finished(int count, int first = 1) => Enumerable.Range(first, count).Select(Ended);

    public static string Ended(int job) => Line(job, End(job), Seconds(job), "COMPLETED");

    public static string Running(int job, int seconds) => Line(job, "Unknown", seconds, "RUNNING");

    public static string Line(int job, string end, int seconds, string state) => string.Create(
        CultureInfo.InvariantCulture,
        $"{job}|{job}|hpc|gpu|normal|physics|user{job % 7}|{Time(job)}|{Time(job + 5)}|{end}|{TimeSpan.FromSeconds(seconds):d\\-hh\\:mm\\:ss}|{state}|"
        + $"billing={Cpus(job)},cpu={Cpus(job)},gres/gpu:a100={job % 3},gres/gpu={job % 3},mem={Cpus(job)}G,node=1|name of {job}");

    public static string End(int job) => Time(job + 5 + Seconds(job));

    public static int Seconds(int job) => 10 + (job % 1000);

    public static int Cpus(int job) => 1 + (job % 8);

    public static decimal CpuCoreHours(IEnumerable<int> jobs) => Math.Round(jobs.Sum(job => (decimal)Cpus(job) * Seconds(job)) / 3600, 4, MidpointRounding.AwayFromZero);

    public static byte[] Bytes(string log) => Encoding.UTF8.GetBytes(log);

    private static string Time(int second) => Epoch.AddSeconds(second).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
}
