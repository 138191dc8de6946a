using System.Diagnostics;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;
using Xunit.Abstractions;

namespace HpcBilling.Service.Tests.Audit;

[Collection(nameof(Servers))]
[Trait("Control", "AUD-04")]
public sealed class AppendingTests(Servers servers, ITestOutputHelper output)
{
    private const int EntriesPerSecondMin = 500;

    [Fact]
    public async Task Acts_reported_twice_and_out_of_order_are_in_the_chain_once_each()
    {
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        List<AuditRecorded> acts = [.. Enumerable.Range(1, 300).Select(n => Acts.Act(n))];

        await Acts.ReportAsync(bus, acts.OrderByDescending(act => act.OccurredAt));
        await Acts.AppendedAsync(audit, acts.Count);
        await Acts.ReportAsync(bus, acts);
        await QueueIsEmptyAsync(bus);

        await Acts.AssertWholeAsync(audit, acts.Count);
        Assert.Equal(acts.Count, await audit.ScalarAsync<long>("SELECT count(DISTINCT entry_id) FROM audit_entries"));
        Assert.Equal(acts.Count, await audit.ScalarAsync<long>("SELECT max(seq) FROM audit_entries"));
    }

    [Fact]
    public async Task Two_replicas_append_to_one_chain()
    {
        await using RunningService first = await servers.StartServiceAsync("Audit");
        await using RunningService second = Replica(first);
        await second.StartAsync();
        await using BusProbe bus = await BusProbe.StartAsync(first);

        await Acts.ReportAsync(bus, Enumerable.Range(1, 2_000).Select(n => Acts.Act(n)));
        await Acts.AppendedAsync(first, 2_000);

        await Acts.AssertWholeAsync(first, 2_000);
        await Acts.AssertWholeAsync(second, 2_000);
    }

    [Fact]
    public async Task A_kill_in_the_middle_loses_no_act_and_breaks_no_link()
    {
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        List<AuditRecorded> acts = [.. Enumerable.Range(1, 3_000).Select(n => Acts.Act(n))];

        Task reporting = Acts.ReportAsync(bus, acts);
        foreach (int count in (int[])[200, 900, 1_800])
        {
            await Acts.AppendedAsync(audit, count);
            await audit.RestartAsync();
        }

        await reporting;
        await Acts.AppendedAsync(audit, acts.Count);
        await QueueIsEmptyAsync(bus);
        await Acts.AssertWholeAsync(audit, acts.Count);
    }

    [Fact]
    public async Task Orgs_have_chains_of_their_own()
    {
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        var other = Guid.CreateVersion7();
        await Acts.ReportAsync(bus, Enumerable.Range(1, 40).Select(n => Acts.Act(n, org: n % 2 == 0 ? other : Orgs.Default)));
        await Acts.AppendedAsync(audit, 40);

        foreach (TestCaller admin in (TestCaller[])[TestCaller.Admin(), TestCaller.Admin(other)])
            Assert.Equal(20, (await Acts.VerifyAsync(audit, admin)).GetProperty("count").GetInt64());
        Assert.Equal(20, await audit.ScalarAsync<long>("SELECT max(seq) FROM audit_entries WHERE org_id = @other", new { other }));
    }

    [Fact]
    [Trait("Control", "AUD-06")]
    public async Task A_secret_that_a_service_reports_by_mistake_is_not_kept()
    {
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["password"] = "hunter2-hunter2", ["accessToken"] = "hunter2-hunter2", ["note"] = "card 4111 1111 1111 1111", ["tier"] = "gov",
        };
        await bus.PublishAsync(Acts.Act(1) with { Details = details });
        await Acts.AppendedAsync(audit, 1);

        string row = await audit.ScalarAsync<string>("SELECT to_jsonb(e)::text FROM audit_entries e");
        Assert.DoesNotContain("hunter2", row, StringComparison.Ordinal);
        Assert.DoesNotContain("4111", row, StringComparison.Ordinal);
        Assert.Contains("gov", row, StringComparison.Ordinal);
        await Acts.AssertWholeAsync(audit, 1);
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task A_burst_is_appended_at_the_stated_rate()
    {
        const int entries = 5_000;
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        await bus.PublishAsync(Acts.Act(0));
        await Acts.AppendedAsync(audit, 1);
        await audit.KillAsync();
        await Acts.ReportAsync(bus, Enumerable.Range(1, entries).Select(n => Acts.Act(n)));

        await audit.StartAsync();
        double best = await BestSecondAsync(audit, entries + 1);
        output.WriteLine($"{best:n0} entries in the best second");
        Assert.True(best >= EntriesPerSecondMin, $"{best:n0} entries in the best second, {EntriesPerSecondMin} are promised");
        await Acts.AssertWholeAsync(audit, entries + 1);
    }

    // The best second rather than the mean: other work on the machine, and the start of the process, say nothing about the design.
    private static async Task<double> BestSecondAsync(RunningService audit, long count)
    {
        double best = 0;
        (long At, long Entries) windowStart = (Stopwatch.GetTimestamp(), await Acts.CountAsync(audit));
        await Wait.UntilAsync($"{count} entries are in the chain", async () =>
        {
            long entries = await Acts.CountAsync(audit);
            double seconds = Stopwatch.GetElapsedTime(windowStart.At).TotalSeconds;
            if (seconds < 1 && entries < count) return false;
            best = Math.Max(best, (entries - windowStart.Entries) / Math.Max(seconds, 1));
            windowStart = (Stopwatch.GetTimestamp(), entries);
            return entries >= count;
        });
        return best;
    }

    private RunningService Replica(RunningService first) =>
        new("Audit", first.Name, new Dictionary<string, string>(first.Settings, StringComparer.Ordinal), first.Superuser, servers.Issuer);

    private static Task QueueIsEmptyAsync(BusProbe bus) => Wait.UntilAsync("nothing waits any more", async () =>
        await bus.QueueLengthAsync("audit.audit-recorded") == 0);
}
