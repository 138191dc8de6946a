using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;

namespace HpcBilling.Service.Tests.Audit;

/// <summary>Acts to report, and what became of them.</summary>
internal static class Acts
{
    private static readonly DateTimeOffset Start = new(2026, 11, 22, 8, 0, 0, TimeSpan.Zero);

    public static AuditRecorded Act(int number, string action = "receipt.issued", string actor = "alice", Guid? org = null) => new(
        org ?? Orgs.Default, Guid.CreateVersion7(), Start.AddMilliseconds(number), "rating", actor, action, $"receipt:R-{number:d6}",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["totalMinor"] = $"{number}", ["currency"] = "THB" }, "192.0.2.7");

    public static async Task ReportAsync(BusProbe bus, IEnumerable<AuditRecorded> acts)
    {
        foreach (AuditRecorded[] some in acts.Chunk(100)) await Task.WhenAll(some.Select(act => bus.PublishAsync(act)));
    }

    public static Task AppendedAsync(RunningService audit, long count) => Wait.UntilAsync(
        $"{count} entries are in the chain", async () => await CountAsync(audit) >= count);

    public static Task<long> CountAsync(RunningService audit) => audit.ScalarAsync<long>("SELECT count(*) FROM audit_entries");

    public static async Task<JsonElement> VerifyAsync(RunningService audit, TestCaller? caller = null)
    {
        using HttpClient client = audit.Client(caller ?? TestCaller.Admin());
        return await client.GetFromJsonAsync<JsonElement>("/api/v1/audit/verify");
    }

    public static async Task AssertWholeAsync(RunningService audit, long count)
    {
        JsonElement verdict = await VerifyAsync(audit);
        Assert.Equal("ok", verdict.GetProperty("status").GetString());
        Assert.Equal(count, verdict.GetProperty("count").GetInt64());
        Assert.Equal(
            await audit.ScalarAsync<string>("SELECT hash FROM audit_entries ORDER BY seq DESC LIMIT 1"), verdict.GetProperty("headHash").GetString());
    }

    public static async Task<string> ExportAsync(RunningService audit)
    {
        using HttpClient client = audit.Client(TestCaller.Admin());
        using HttpResponseMessage response = await client.GetAsync("/api/v1/audit/export.csv");
        response.EnsureSuccessStatusCode();
        Assert.Equal("text/csv", response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>The offline check: the CLI, a file, and no service.</summary>
    public static async Task<(int ExitCode, string Output)> VerifyOfflineAsync(string csv)
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("hpcb-audit-").FullName, "audit.csv");
        try
        {
            await File.WriteAllTextAsync(file, csv);
            string[] command = [Repository.Assembly("Cli"), "audit", "verify", file, "--json"];
            using Process hpcb = Process.Start(
                new ProcessStartInfo("dotnet", command) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> errors = hpcb.StandardError.ReadToEndAsync();
            string output = await hpcb.StandardOutput.ReadToEndAsync();
            await hpcb.WaitForExitAsync();
            return (hpcb.ExitCode, output + await errors);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }
}
