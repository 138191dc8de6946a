using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>The usage service with sources to poll.</summary>
internal static class PolledService
{
    public static readonly long Now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    public static Task<RunningService> StartAsync(Servers servers, StubSlurmrestd stub, params (string Key, string Value)[] settings) =>
        StartAsync(servers, [Url(stub), ("Sources__0__TokenFile", TokenFile(stub.Token)), .. settings]);

    /// <param name="servers">Database and broker.</param>
    /// <param name="settings">Keys below <c>Usage</c>; the first source is a slurmrestd unless they say otherwise.</param>
    public static Task<RunningService> StartAsync(Servers servers, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Usage__Polling__IntervalSeconds"] = "1",
            ["Usage__Polling__BackoffSecondsMax"] = "1",
            ["Usage__Polling__BreakSeconds"] = "1",
            ["Usage__LeaseSeconds"] = "2",
            ["Usage__Sources__0__Cluster"] = StubSlurmrestd.Cluster,
            ["Usage__Sources__0__Kind"] = "slurmrestd",
        };
        foreach ((string key, string value) in settings) all["Usage__" + key] = value;
        return UsageClient.StartServiceAsync(servers, [.. all.Select(setting => (setting.Key, setting.Value))]);
    }

    public static (string Key, string Value) Url(StubSlurmrestd stub) => ("Sources__0__Url", stub.Address!.ToString());

    public static string TokenFile(string token)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("hpcb-token-").FullName, "token");
        File.WriteAllText(path, token + "\n");
        return path;
    }

    public static Task UntilRunsAsync(RunningService usage, int runs) => Wait.UntilAsync(
        $"{runs} runs are stored", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM runs") == runs);

    public static Task UntilErrorAsync(RunningService usage, string words) => Wait.UntilAsync(
        $"the error '{words}' is seen", async () => (await usage.QueryAsync<string?>("SELECT last_error FROM clusters")).Any(error => error?.Contains(words, StringComparison.Ordinal) == true));
}
