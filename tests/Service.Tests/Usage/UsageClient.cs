using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage;

/// <summary>Imports as the CLI makes them.</summary>
internal sealed class UsageClient(RunningService usage, TestCaller? caller = null)
{
    private readonly TestCaller caller = caller ?? TestCaller.Admin();

    public static async Task<RunningService> StartServiceAsync(Servers servers, params (string Key, string Value)[] settings)
    {
        var all = settings.ToDictionary(setting => setting.Key, setting => setting.Value, StringComparer.Ordinal);
        all["Usage__SpoolPath"] = Directory.CreateTempSubdirectory("hpcb-spool-").FullName;
        return await servers.StartServiceAsync("Usage", all);
    }

    public async Task<HttpResponseMessage> CreateAsync(object body, string? idempotencyKey = null)
    {
        using HttpClient client = usage.Client(caller);
        if (idempotencyKey is not null) client.DefaultRequestHeaders.Add("Idempotency-Key", idempotencyKey);
        return await client.PostAsJsonAsync("/api/v1/imports", body);
    }

    public async Task<Guid> CreateAsync(long sizeBytes, string? fields = null, string? cluster = null)
    {
        using HttpResponseMessage response = await CreateAsync(new { fileName = "a.log", sizeBytes, format = "sacct", fields, cluster });
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        JsonObject job = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Equal($"/api/v1/jobs/{job["id"]}", response.Headers.Location!.ToString());
        return job["id"]!.GetValue<Guid>();
    }

    public async Task<HttpResponseMessage> SendAsync(Guid id, byte[] bytes, long offset = 0)
    {
        using HttpClient client = usage.Client(caller);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/imports/{id}/content") { Content = new ByteArrayContent(bytes) };
        request.Headers.Add("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture));
        return await client.SendAsync(request);
    }

    public async Task<HttpResponseMessage> GetAsync(string path, HttpMethod? method = null)
    {
        using HttpClient client = usage.Client(caller);
        return await client.SendAsync(new HttpRequestMessage(method ?? HttpMethod.Get, path));
    }

    public async Task<JsonObject> JobAsync(Guid id)
    {
        using HttpResponseMessage response = await GetAsync($"/api/v1/jobs/{id}");
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonObject>())!;
    }

    public async Task<IReadOnlyList<JsonObject>> QuarantineAsync(Guid id)
    {
        var lines = new List<JsonObject>();
        for (string? cursor = ""; cursor is not null;)
        {
            using HttpResponseMessage response = await GetAsync($"/api/v1/imports/{id}/quarantine?cursor={cursor}");
            JsonObject page = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
            lines.AddRange(page["items"]!.AsArray().Select(item => item!.AsObject()));
            cursor = page["nextCursor"]?.GetValue<string>();
        }

        return lines;
    }

    public Task<JsonObject> EndAsync(Guid id) => Wait.ForAsync($"the end of import {id}", async () =>
    {
        JsonObject job = await JobAsync(id);
        return job["finishedAt"] is null ? null : job;
    }, seconds: 120);

    /// <summary>Imports a log from its announcement to its end.</summary>
    public Task<JsonObject> ImportAsync(string log, string? fields = null, string? cluster = null) => ImportAsync(SacctLog.Bytes(log), fields, cluster);

    public async Task<JsonObject> ImportAsync(byte[] log, string? fields = null, string? cluster = null)
    {
        Guid id = await CreateAsync(log.Length, fields, cluster);
        using HttpResponseMessage response = await SendAsync(id, log);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        return await EndAsync(id);
    }
}

internal static class JobAssert
{
    /// <summary>Compares the named counters of an import that succeeded.</summary>
    public static void Succeeded(JsonObject job, params (string Counter, long Value)[] counters)
    {
        Assert.True(job["status"]!.GetValue<string>() == "succeeded", job.ToJsonString());
        Assert.Equal(counters, counters.Select(counter => (counter.Counter, job[counter.Counter]!.GetValue<long>())));
    }
}
