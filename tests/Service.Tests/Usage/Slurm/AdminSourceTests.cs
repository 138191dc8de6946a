using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>Sources that admins set up: in force without a restart, here and in every replica.</summary>
[Collection(nameof(Servers))]
public sealed class AdminSourceTests(Servers servers)
{
    private static readonly long Now = PolledService.Now;
    private static readonly StubRecord Run = new(1, Now - 600, Now - 600, Now - 60);

    [Fact]
    [Trait("Control", "USE-05")]
    public async Task A_source_that_is_added_is_polled_preferred_disabled_and_removed_without_a_restart()
    {
        await using StubSlurmrestd first = await StubSlurmrestd.StartAsync();
        await using StubSlurmrestd second = await StubSlurmrestd.StartAsync();
        first.Put(Run);
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(first, second));
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        var desk = new SourceDesk(usage);

        JsonObject one = await desk.AddAsync(SourceDesk.Rest(first, "one"));
        await PolledService.UntilRunsAsync(usage, 1);
        await UntilActiveAsync(usage, "one");

        JsonObject two = await desk.AddAsync(SourceDesk.Rest(second, "two", preference: 2));
        second.Put(Run with { JobId = 2 });
        one = await desk.ChangeAsync(one, source => source["preference"] = 3);
        await UntilActiveAsync(usage, "two");
        await PolledService.UntilRunsAsync(usage, 2);

        await desk.ChangeAsync(two, source => source["enabled"] = false);
        await UntilActiveAsync(usage, "one");
        int asked = second.Questions.Count;
        await desk.RemoveAsync(one);
        await UntilActiveAsync(usage, null);
        await Wait.UntilAsync("nothing is left of the sources", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM source_states") == 0);

        Assert.Equal(asked, second.Questions.Count);
        Assert.Equal(HttpStatusCode.NotFound, await BackfillAsync(usage));
        Assert.Equal(["hpc"], await usage.QueryAsync<string>("SELECT name FROM clusters"));
        JsonObject list = await desk.ListAsync();
        Assert.Equal(["two False 2"], list["items"]!.AsArray().Select(source => $"{source!["name"]} {source["enabled"]!.GetValue<bool>()} {source["revision"]}"));
        Assert.Equal(["token.jwt"], list["reach"]!["secrets"]!.AsArray().Select(file => file!.GetValue<string>()));
        await Wait.UntilAsync("each act is audited", () => Task.FromResult(Acts(bus).Count == 5));
        Assert.Equal(["source.added", "source.added", "source.changed", "source.changed", "source.removed"], Acts(bus).Select(act => act.Action).Order(StringComparer.Ordinal));
        Assert.Contains(Acts(bus), act => act.Details.GetValueOrDefault("changed") == "preference 1 → 3");
        Assert.DoesNotContain(Acts(bus), act => act.Details.Values.Any(value => value.Contains("token", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_read_that_hangs_goes_on_with_the_source_that_takes_the_place_of_its_own()
    {
        await using StubSlurmrestd hanging = await StubSlurmrestd.StartAsync();
        await using StubSlurmrestd other = await StubSlurmrestd.StartAsync();
        other.Put(Run);
        hanging.Instead = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(hanging, other));
        var desk = new SourceDesk(usage);
        JsonObject first = await desk.AddAsync(SourceDesk.Rest(hanging, "hanging", preference: 5));
        await Wait.UntilAsync("it hangs", () => Task.FromResult(hanging.Questions.Count > 0));

        await desk.AddAsync(SourceDesk.Rest(other, "other"));

        await PolledService.UntilRunsAsync(usage, 1);
        await desk.RemoveAsync(first);
        Assert.Equal(0, await usage.ScalarAsync<int>("SELECT failures FROM clusters"));
    }

    [Fact]
    public async Task What_waits_for_a_cluster_that_lost_its_last_source_is_cancelled_and_says_why()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(stub));
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(UsageRecorded), typeof(AuditRecorded));
        var desk = new SourceDesk(usage);
        stub.Instead = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        JsonObject source = await desk.AddAsync(SourceDesk.Rest(stub));
        await Wait.UntilAsync("it hangs", () => Task.FromResult(stub.Questions.Count > 0));
        DateTime readUntil = await usage.ScalarAsync<DateTime>("SELECT read_until FROM clusters");
        Assert.Equal(HttpStatusCode.Accepted, await BackfillAsync(usage));

        await desk.RemoveAsync(source);

        await Wait.UntilAsync("all of it has ended", async () => await usage.ScalarAsync<bool>("SELECT bool_and(finished_at IS NOT NULL) FROM jobs"));
        Assert.Equal(
            ["backfill cancelled no_source", "poll cancelled no_source"],
            await usage.QueryAsync<string>("SELECT concat_ws(' ', type, status, error_code) FROM jobs ORDER BY type"));
        Assert.Contains("no live source", await usage.ScalarAsync<string>("SELECT error FROM jobs WHERE type = 'backfill'"), StringComparison.Ordinal);
        await Wait.UntilAsync("the back-fill's end is audited", () => Task.FromResult(bus.Heard<AuditRecorded>().Any(act => act.Action == "job.cancelled")));

        // A poll is not requeued; the next one reads what this one did not.
        using HttpClient admin = usage.Client(TestCaller.Admin());
        Guid poll = await usage.ScalarAsync<Guid>("SELECT id FROM jobs WHERE type = 'poll'");
        using HttpResponseMessage refused = await admin.PostAsync($"/api/v1/jobs/{poll}/requeue", null);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal(readUntil, await usage.ScalarAsync<DateTime>("SELECT read_until FROM clusters"));
        stub.Instead = null;
        stub.Put(Run);
        await desk.AddAsync(SourceDesk.Rest(stub));
        await PolledService.UntilRunsAsync(usage, 1);
    }

    [Fact]
    public async Task Another_replica_follows_within_seconds()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(stub));
        await using RunningService replica = usage.Replica();
        await replica.StartAsync();
        Assert.Equal(HttpStatusCode.NotFound, await BackfillAsync(replica));

        JsonObject source = await new SourceDesk(usage).AddAsync(SourceDesk.Rest(stub));
        Assert.Equal(HttpStatusCode.Accepted, await BackfillAsync(usage));
        await Wait.UntilAsync("the replica knows the cluster", async () => await BackfillAsync(replica) == HttpStatusCode.Accepted);
        await new SourceDesk(replica).RemoveAsync(source);
        Assert.Equal(HttpStatusCode.NotFound, await BackfillAsync(replica));
        await Wait.UntilAsync("the first one has forgotten it", async () => await BackfillAsync(usage) == HttpStatusCode.NotFound);
    }

    [Fact]
    [Trait("Control", "USE-05")]
    public async Task Reach_that_is_taken_back_ends_the_use_and_the_source_says_so()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Put(Run);
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(stub));
        await new SourceDesk(usage).AddAsync(SourceDesk.Rest(stub));
        await PolledService.UntilRunsAsync(usage, 1);

        await usage.KillAsync();
        usage.Settings["Usage__Reach__0__Hosts__0"] = "slurm.example.org:6820";
        int asked = stub.Questions.Count;
        await usage.StartAsync();

        JsonNode source = (await new SourceDesk(usage).ListAsync())["items"]![0]!;
        Assert.Equal("url is not among the hosts that the operator allows", source["problem"]!.GetValue<string>());
        await Wait.UntilAsync("the cluster has no source", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM source_states") == 0);
        Assert.Equal(HttpStatusCode.NotFound, await BackfillAsync(usage));
        Assert.Equal(asked, stub.Questions.Count);
    }

    [Fact]
    public async Task The_configurations_sources_are_shown_without_their_paths_and_win_a_clash_of_names()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        string token = PolledService.TokenFile(stub.Token);
        (string, string)[] configured =
        [
            ("Sources__0__Cluster", "hpc"), ("Sources__0__Kind", "slurmrestd"), ("Sources__0__Name", "rest"), PolledService.Url(stub), ("Sources__0__TokenFile", token),
        ];
        await using RunningService usage = await SourceDesk.StartAsync(servers, [.. configured, .. SourceDesk.Reach(stub)]);
        var desk = new SourceDesk(usage);

        Assert.Equal(HttpStatusCode.Conflict, (await desk.SendAsync(HttpMethod.Post, "", SourceDesk.Rest(stub))).Status);
        await desk.AddAsync(SourceDesk.Rest(stub, "mine"));
        await usage.ExecuteAsync("UPDATE sources SET name = 'rest'");

        JsonArray items = (await desk.ListAsync())["items"]!.AsArray();
        Assert.Equal(["configuration", "admin"], items.Select(item => item!["origin"]!.GetValue<string>()));
        Assert.Equal(("token", null), (items[0]!["settings"]!["tokenFile"]!.GetValue<string>(), items[0]!["problem"]?.GetValue<string>()));
        Assert.Contains("operator's configuration", items[1]!["problem"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.DoesNotContain(Path.GetDirectoryName(token)!, items.ToJsonString(), StringComparison.Ordinal);
    }

    private static List<AuditRecorded> Acts(BusProbe bus) => [.. bus.Heard<AuditRecorded>().Where(act => act.Action.StartsWith("source.", StringComparison.Ordinal) && act.Action != "source.switched")];

    private static async Task<HttpStatusCode> BackfillAsync(RunningService usage)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        using HttpResponseMessage response = await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = "2026-01-01", to = "2026-01-02" });
        return response.StatusCode;
    }

    private static Task UntilActiveAsync(RunningService usage, string? source) => Wait.UntilAsync(
        $"the source in use is {source ?? "none"}", async () => (await usage.QueryAsync<string?>("SELECT active_source FROM clusters")).SequenceEqual([source]));
}
