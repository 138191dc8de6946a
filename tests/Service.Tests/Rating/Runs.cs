using HpcBilling.Contracts;

namespace HpcBilling.Service.Tests.Rating;

/// <summary>Runs for tests: by default one core for an hour, ended on the second of January 2017 at noon.</summary>
internal static class Runs
{
    public static readonly DateTimeOffset Noon = new(2017, 1, 2, 12, 0, 0, TimeSpan.Zero);

    public static RecordedRun Of(
        string username, long number, long seconds = 3600, long cpus = 1, long gpus = 0, long memoryMib = 0, DateTimeOffset? endedAt = null,
        int revision = 1)
    {
        var end = endedAt ?? Noon;
        var start = end.AddSeconds(-seconds);
        return new RecordedRun(
            $"cluster/{number}/{start.AddMinutes(-1).ToUnixTimeSeconds()}/{start.ToUnixTimeSeconds()}", revision, "cluster", $"{number}", number,
            username, "project", "batch", "normal", "COMPLETED", start.AddMinutes(-1), start, end, seconds,
            new AllocatedTres(cpus, memoryMib, 1, gpus, null, new Dictionary<string, long>(StringComparer.Ordinal)));
    }

    public static RecordedRun[] Many(string username, int count, long firstNumber = 1) =>
        [.. Enumerable.Range(0, count).Select(index => Of(username, firstNumber + index, seconds: 60 + index, endedAt: Noon.AddSeconds(index)))];
}
