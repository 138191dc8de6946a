using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Cli;

/// <summary>Usage and rating as an importer sees them, in memory, as docs/flow.md says; requests fail as planned.</summary>
internal sealed class StubImports
{
    private readonly ConcurrentDictionary<string, Guid> jobsByKey = new(StringComparer.Ordinal);
    private readonly List<byte> content = [];
    private readonly Queue<Fault> puts = new();
    private int polls;
    private int ratingPolls;

    public enum Fault
    {
        None,
        Outage,
        CutAfterHalf,
        AnswerLost,
    }

    public Guid Id { get; } = Guid.CreateVersion7();

    public int JobsCreated => jobsByKey.Count;

    public byte[] Received => [.. content];

    public JsonObject? Announced { get; private set; }

    public bool LosesFirstCreation { get; init; }

    public string EndStatus { get; init; } = "succeeded";

    public string? Error { get; init; }

    public long Runs { get; init; } = 4285;

    public long Stored { get; init; } = 4285;

    public long Quarantined { get; init; }

    /// <summary>What happens to the next pieces, in turn; then all goes well.</summary>
    public void PlanPuts(params Fault[] faults) => Array.ForEach(faults, puts.Enqueue);

    public void Map(WebApplication app)
    {
        app.MapPost("/api/v1/imports", CreateAsync);
        app.MapMethods($"/api/v1/imports/{Id}/content", ["HEAD"], (HttpResponse response) => Held(response, 204));
        app.MapPut($"/api/v1/imports/{Id}/content", ReceiveAsync);
        app.MapGet($"/api/v1/jobs/{Id}", () => Results.Text(Job(Interlocked.Increment(ref polls) > 2), "application/json"));
        app.MapGet($"/api/v1/usage/imports/{Id}", () => new { runs = Interlocked.Increment(ref ratingPolls) > 2 ? Stored : Stored / 2 });
        app.MapGet($"/api/v1/imports/{Id}/quarantine", (string? cursor) => cursor is null
            ? Results.Json(new { items = new[] { new { line = 3, reason = "JobID is missing", text = "|\u001b[31mevil" } }, nextCursor = "more" })
            : Results.Json(new { items = new[] { new { line = 9, reason = "End is no time", text = "9|x" } }, nextCursor = (string?)null }));
    }

    private async Task CreateAsync(HttpContext context)
    {
        Announced = await context.Request.ReadFromJsonAsync<JsonObject>();
        bool isFirst = jobsByKey.TryAdd(context.Request.Headers["Idempotency-Key"].ToString(), Id);
        if (LosesFirstCreation && isFirst) context.Abort();
        else await Results.Text(Job(isOver: false), "application/json", statusCode: 202).ExecuteAsync(context);
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        Fault fault = puts.TryDequeue(out Fault planned) ? planned : Fault.None;
        if (fault == Fault.Outage)
        {
            context.Response.StatusCode = 503;
            return;
        }

        long offset = long.Parse(context.Request.Headers["Upload-Offset"].ToString(), CultureInfo.InvariantCulture);
        if (offset != content.Count)
        {
            Held(context.Response, 409);
            return;
        }

        long toKeep = fault == Fault.CutAfterHalf ? context.Request.ContentLength!.Value / 2 : long.MaxValue;
        var buffer = new byte[64 * 1024];
        while (toKeep > 0 && await context.Request.Body.ReadAsync(buffer) is > 0 and var read)
        {
            var kept = (int)Math.Min(read, toKeep);
            content.AddRange(buffer.AsSpan(0, kept));
            toKeep -= kept;
        }

        if (fault == Fault.None) Held(context.Response, 204);
        else context.Abort();
    }

    private void Held(HttpResponse response, int status)
    {
        response.StatusCode = status;
        response.Headers["Upload-Offset"] = content.Count.ToString(CultureInfo.InvariantCulture);
    }

    private string Job(bool isOver) => $$"""
        {"id":"{{Id}}","type":"import","status":"{{(isOver ? EndStatus : "running")}}","stage":"parsing","fileName":"x.psv","sizeBytes":{{content.Count}},
        "bytesReceived":0,"bytesProcessed":{{content.Count}},"lines":{{Runs + Quarantined}},"runs":{{Runs}},"stored":{{Stored}},"updated":0,"known":{{Runs - Stored}},
        "quarantined":{{Quarantined}},"cpuCoreHours":11767.9883,"gpuHours":506.9,"errorCode":null,"error":{{(Error is null ? "null" : $"\"{Error}\"")}},"createdAt":"2026-01-01T00:00:00Z"}
        """;
}
