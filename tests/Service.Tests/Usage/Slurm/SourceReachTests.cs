using System.Net;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>What an admin may point a source at, and what a check tells him.</summary>
[Collection(nameof(Servers))]
public sealed class SourceReachTests(Servers servers)
{
    private static readonly long Now = PolledService.Now;

    [Fact]
    [Trait("Control", "USE-05")]
    public async Task What_the_operator_did_not_name_is_refused_by_its_field()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using StubSlurmrestd other = await StubSlurmrestd.StartAsync();
        string folder = Directory.CreateTempSubdirectory("hpcb-drop-").FullName;
        string elsewhere = Directory.CreateTempSubdirectory("hpcb-elsewhere-").FullName;
        Directory.CreateSymbolicLink(Path.Combine(folder, "link"), elsewhere);
        await using RunningService usage = await SourceDesk.StartAsync(servers, [.. SourceDesk.Reach(stub), ("Reach__0__Folders__0", folder), ("Reach__0__SlurmConfs__0", "/etc/slurm/slurm.conf")]);
        var desk = new SourceDesk(usage);

        Assert.Equal(["settings.url"], await desk.BlamedAsync(SourceDesk.Rest(other)));
        Assert.Equal(["settings.tokenFile"], await desk.BlamedAsync(With(SourceDesk.Rest(stub), "tokenFile", "../" + SourceDesk.TokenFile)));
        Assert.Equal(["settings.path"], await desk.BlamedAsync(Folder(Path.Combine(folder, "link"))));
        Assert.Equal(["settings.path"], await desk.BlamedAsync(Folder(elsewhere)));
        Assert.Equal(["settings.slurmConf"], await desk.BlamedAsync(SourceDesk.Source("sacct", "sacct", 1, new JsonObject { ["slurmConf"] = "/etc/passwd" })));
        Assert.Equal(["settings.slurmConf"], await desk.BlamedAsync(SourceDesk.Source("sacct", "sacct", 1, [])));
        Assert.Equal(["settings.command"], await desk.BlamedAsync(SourceDesk.Source("sacct", "sacct", 1, new JsonObject { ["slurmConf"] = "/etc/slurm/slurm.conf", ["command"] = "/bin/sh" })));

        // What is the operator's word for one org is none for another.
        var stranger = new SourceDesk(usage, TestCaller.Admin(Guid.CreateVersion7()));
        Assert.Equal(["settings.tokenFile"], await stranger.BlamedAsync(SourceDesk.Rest(stub)));
        JsonObject theirs = await stranger.ListAsync();
        Assert.Equal((0, 0), (theirs["items"]!.AsArray().Count, theirs["reach"]!.AsObject().Sum(part => part.Value!.AsArray().Count)));
        Assert.Equal(HttpStatusCode.Forbidden, (await new SourceDesk(usage, TestCaller.User("alice")).SendAsync(HttpMethod.Get, "", null)).Status);

        Assert.Empty(stub.Questions.Concat(other.Questions));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM sources"));
    }

    [Fact]
    [Trait("Control", "AUTHZ-04")]
    public async Task Names_revisions_and_numbers_are_kept_to()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(stub));
        var desk = new SourceDesk(usage);
        JsonObject source = await desk.AddAsync(SourceDesk.Rest(stub));
        JsonObject second = await desk.AddAsync(SourceDesk.Rest(stub, "second"));

        Assert.Equal(HttpStatusCode.Conflict, (await desk.SendAsync(HttpMethod.Post, "", SourceDesk.Rest(stub))).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await desk.TryChangeAsync(second, body => body["name"] = "rest")).Status);
        await desk.ChangeAsync(source, body => body["preference"] = 7);
        Assert.Equal(HttpStatusCode.Conflict, (await desk.TryChangeAsync(source, body => body["preference"] = 8)).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await desk.TryChangeAsync(second, body => body["cluster"] = "other")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await desk.TryChangeAsync(second, body => body.Remove("revision"))).Status);

        var stranger = new SourceDesk(usage, TestCaller.Admin(Guid.CreateVersion7()));
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.TryChangeAsync(second, body => body["name"] = "mine")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.SendAsync(HttpMethod.Delete, "/" + second["id"], null)).Status);
        Assert.Equal(2, await usage.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE body->>'action' = 'access.denied'"));

        await usage.ExecuteAsync("INSERT INTO sources SELECT gen_random_uuid(), org_id, cluster, 'n' || n, kind, preference, settings, false, 1, 'x', now(), 'x', now() FROM sources, generate_series(1, 98) n WHERE name = 'rest'");
        Assert.Equal(HttpStatusCode.Conflict, (await desk.SendAsync(HttpMethod.Post, "", SourceDesk.Rest(stub, "one-too-many"))).Status);
        Assert.Equal(100, (await desk.ListAsync())["items"]!.AsArray().Count);
    }

    [Fact]
    [Trait("Control", "USE-05")]
    public async Task A_check_asks_once_follows_nobody_elsewhere_and_stores_nothing()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        await using StubSlurmrestd elsewhere = await StubSlurmrestd.StartAsync();
        stub.Put(new StubRecord(1, Now - 600, Now - 600, Now - 60));
        stub.Put(new StubRecord(2, Now - 90_000, Now - 90_000, Now - 80_000));
        await using RunningService usage = await SourceDesk.StartAsync(servers, SourceDesk.Reach(stub));
        var desk = new SourceDesk(usage);

        JsonObject well = await desk.CheckAsync(SourceDesk.Rest(stub));
        Assert.Equal((true, "v0.0.46", 1), (well["works"]!.GetValue<bool>(), well["version"]!.GetValue<string>(), well["records"]!.GetValue<int>()));
        stub.Token = "second-token";
        Assert.Contains("1007", await ErrorAsync(), StringComparison.Ordinal);
        stub.Instead = context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = new Uri(elsewhere.Address!, context.Request.Path.Value + context.Request.QueryString).ToString();
            return Task.CompletedTask;
        };
        Assert.Contains("redirect", await ErrorAsync(), StringComparison.Ordinal);
        stub.Instead = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        Assert.Contains("did not answer within 1 s", await ErrorAsync(source => source["settings"]!["timeoutSeconds"] = 1), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", await ErrorAsync(source => source["settings"]!["tokenFile"] = "missing"), StringComparison.Ordinal);

        Assert.Empty(elsewhere.Questions);
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM sources) + (SELECT count(*) FROM clusters)"));

        async Task<string> ErrorAsync(Action<JsonObject>? change = null)
        {
            JsonObject source = SourceDesk.Rest(stub);
            change?.Invoke(source);
            JsonObject answer = await desk.CheckAsync(source);
            Assert.False(answer["works"]!.GetValue<bool>());
            return answer["error"]!.GetValue<string>();
        }
    }

    [Fact]
    [Trait("Control", "USE-03")]
    public async Task A_folder_that_begins_to_lead_elsewhere_is_watched_no_more()
    {
        string allowed = Directory.CreateTempSubdirectory("hpcb-drop-").FullName;
        string elsewhere = Directory.CreateTempSubdirectory("hpcb-elsewhere-").FullName;
        string folder = Path.Combine(allowed, "logs");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "a.psv"), SacctLog.Of(SacctLog.Finished(3)));
        await using RunningService usage = await SourceDesk.StartAsync(servers, ("Reach__0__Folders__0", allowed));
        var desk = new SourceDesk(usage);
        Assert.Equal(1, (await desk.CheckAsync(Folder(folder)))["records"]!.GetValue<int>());
        await desk.AddAsync(Folder(folder));
        await PolledService.UntilRunsAsync(usage, 3);

        await File.WriteAllTextAsync(Path.Combine(elsewhere, "b.psv"), SacctLog.Of(SacctLog.Finished(3, first: 50)));
        Directory.Move(folder, folder + "-before");
        Directory.CreateSymbolicLink(folder, elsewhere);

        await Wait.UntilAsync("the source says so", async () => (await desk.ListAsync())["items"]![0]!["problem"]?.GetValue<string>() == "path is not in a folder that the operator allows");
        await Wait.UntilAsync("it is used no more", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM source_states") == 0);
        Directory.Delete(folder);
        Directory.Move(folder + "-before", folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "c.psv"), SacctLog.Of(SacctLog.Finished(2, first: 90)));
        await PolledService.UntilRunsAsync(usage, 5);
        Assert.Equal(["a.psv", "c.psv"], await usage.QueryAsync<string>("SELECT subject FROM jobs ORDER BY 1"));
    }

    [Theory]
    [InlineData("Reach__0__Hosts__0", "slurm.example.org", "Usage:Reach:0:Hosts:0 must be host:port")]
    [InlineData("Reach__0__SecretsPath", "secrets", "Usage:Reach:0:SecretsPath must be an absolute path")]
    public async Task A_reach_that_says_something_else_stops_the_start_with_its_key(string key, string value, string words)
    {
        var failure = await Assert.ThrowsAnyAsync<InvalidOperationException>(async () =>
        {
            await using RunningService usage = await SourceDesk.StartAsync(servers, (key, value));
        });

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    private static JsonObject Folder(string path) => SourceDesk.Source("directory", "logs", 1, new JsonObject { ["path"] = path });

    private static JsonObject With(JsonObject source, string setting, string value)
    {
        source["settings"]![setting] = value;
        return source;
    }
}
