using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage;

[Collection(nameof(Servers))]
public sealed class UploadTests(Servers servers)
{
    [Fact]
    public async Task An_upload_goes_on_where_it_was_interrupted()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        byte[] log = SacctLog.Bytes(SacctLog.Of(SacctLog.Finished(100)));
        Guid id = await client.CreateAsync(log.Length);

        Assert.Equal((HttpStatusCode.NoContent, 1000), await AnswerAsync(client.SendAsync(id, log[..1000])));
        Assert.Equal((HttpStatusCode.Conflict, 1000), await AnswerAsync(client.SendAsync(id, log[..1000])));
        Assert.Equal((HttpStatusCode.Conflict, 1000), await AnswerAsync(client.SendAsync(id, log[2000..], 2000)));
        await usage.RestartAsync();
        Assert.Equal((HttpStatusCode.NoContent, 1000), await AnswerAsync(client.GetAsync($"/api/v1/imports/{id}/content", HttpMethod.Head)));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, 1000), await AnswerAsync(client.SendAsync(id, [.. log[1000..], 0], 1000)));
        Assert.Equal("receiving", (await client.JobAsync(id))["stage"]!.GetValue<string>());
        Assert.Equal((HttpStatusCode.NoContent, log.Length), await AnswerAsync(client.SendAsync(id, log[1000..], 1000)));

        JobAssert.Succeeded(await client.EndAsync(id), ("stored", 100), ("quarantined", 0));
        Assert.Equal((HttpStatusCode.Conflict, log.Length), await AnswerAsync(client.SendAsync(id, log)));
    }

    [Fact]
    [Trait("Control", "WEB-09")]
    [Trait("Control", "JOB-04")]
    public async Task An_import_that_cannot_be_is_refused_with_the_field_named()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__UploadBytesMax", "1000"));
        var client = new UsageClient(usage);

        await RefusedAsync("sizeBytes", "at most 1000", new { fileName = "a", sizeBytes = 1001, format = "sacct" });
        await RefusedAsync("sizeBytes", "empty", new { fileName = "a", sizeBytes = 0, format = "sacct" });
        await RefusedAsync("format", "sacct", new { fileName = "a", sizeBytes = 1, format = "xml" });
        await RefusedAsync("fileName", "name", new { fileName = "", sizeBytes = 1, format = "sacct" });
        await RefusedAsync("fields", "JobIDRaw", new { fileName = "a", sizeBytes = 1, format = "sacct", fields = "user,state" });
        await RefusedAsync("cluster", "letters", new { fileName = "a", sizeBytes = 1, format = "sacct", cluster = "a/b" });

        async Task RefusedAsync(string field, string words, object body)
        {
            using HttpResponseMessage response = await client.CreateAsync(body);
            JsonObject problem = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
            Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
            Assert.Contains(words, problem["errors"]![field]!.ToJsonString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Control", "JOB-02")]
    public async Task One_idempotency_key_makes_one_import()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        var client = new UsageClient(usage);
        var body = new { fileName = "a.log", sizeBytes = 10, format = "sacct" };

        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.CreateAsync(body, "key-1")));
        using HttpResponseMessage other = await client.CreateAsync(body with { sizeBytes = 11 }, "key-1");

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode));
        Assert.Single(answers.Select(answer => answer.Headers.Location).Distinct());
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Equal(1, await usage.ScalarAsync<long>("SELECT count(*) FROM import_jobs"));
        Assert.Equal(1, await usage.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE body->>'action' = 'import.created'"));
    }

    [Fact]
    [Trait("Control", "JOB-04")]
    [Trait("Control", "AUTHZ-04")]
    public async Task Another_orgs_import_is_forbidden_and_the_attempt_audited()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using BusProbe bus = await BusProbe.StartAsync(usage, typeof(AuditRecorded));
        Guid id = await new UsageClient(usage).CreateAsync(10);
        var stranger = TestCaller.Admin(Guid.CreateVersion7());
        var client = new UsageClient(usage, stranger);

        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/api/v1/jobs/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/api/v1/imports/{id}/quarantine")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/api/v1/imports/{id}/content", HttpMethod.Head)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(id, [1, 2, 3])).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/api/v1/jobs/{Guid.CreateVersion7()}")).StatusCode);
        Assert.DoesNotContain(id.ToString(), await (await client.GetAsync("/api/v1/jobs")).Content.ReadAsStringAsync(), StringComparison.Ordinal);

        await Wait.UntilAsync("the attempts are told", () => Task.FromResult(bus.Heard<AuditRecorded>().Count(act => act.Action == "access.denied") == 4));
        Assert.All(
            bus.Heard<AuditRecorded>().Where(act => act.Action == "access.denied"),
            act => Assert.Equal((stranger.OrgId, $"{id}"), (act.OrgId, act.Subject.Split(':')[1])));
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task Only_an_admin_with_the_scope_imports_or_reads_imports()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        Guid id = await new UsageClient(usage).CreateAsync(10);
        TestCaller[] callers = [TestCaller.User("alice"), TestCaller.User("alice") with { Scopes = "usage.read usage.write" }, TestCaller.Admin() with { Scopes = "audit.read" }];
        foreach (TestCaller caller in callers)
        {
            var client = new UsageClient(usage, caller);
            Assert.Equal(HttpStatusCode.Forbidden, (await client.CreateAsync(new { fileName = "a", sizeBytes = 1, format = "sacct" })).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(id, [1])).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/api/v1/jobs/{id}")).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/api/v1/jobs")).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/api/v1/imports/{id}/quarantine")).StatusCode);
        }
    }

    private static async Task<(HttpStatusCode Status, long Offset)> AnswerAsync(Task<HttpResponseMessage> answer)
    {
        using HttpResponseMessage response = await answer;
        return (response.StatusCode, long.Parse(response.Headers.GetValues("Upload-Offset").Single(), System.Globalization.CultureInfo.InvariantCulture));
    }
}
