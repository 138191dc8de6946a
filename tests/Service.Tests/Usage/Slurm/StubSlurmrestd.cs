using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>A slurmrestd that a test tells what to answer. It finds records as slurmdbd does: by overlap with the span, ends included.</summary>
internal sealed class StubSlurmrestd : IAsyncDisposable
{
    public const string Cluster = "hpc";

    private readonly ConcurrentDictionary<string, JsonObject> records = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Question> questions = new();
    private readonly WebApplication app;

    private StubSlurmrestd(WebApplication app, Uri? address) => (this.app, Address) = (app, address);

    public Uri? Address { get; }

    public string Token { get; set; } = "first-token";

    /// <summary>Takes the place of the usual answer to a question for jobs.</summary>
    public Func<HttpContext, Task>? Instead { get; set; }

    /// <summary>Done before an answer is given.</summary>
    public Func<Question, Task>? Held { get; set; }

    /// <summary>Takes the place of the usual answer to a question for steps.</summary>
    public Func<HttpContext, Task>? InsteadOfSteps { get; set; }

    public IReadOnlyList<string> Versions { get; set; } = ["v0.0.37", "v0.0.40", "v0.0.46", "v0.0.99"];

    public IReadOnlyList<Question> Questions => [.. questions];

    public static Task<StubSlurmrestd> StartAsync() => StartAsync(new Uri($"http://127.0.0.1:{Servers.FreePort()}"), null, null, null);

    public static Task<StubSlurmrestd> OnSocketAsync(string path) => StartAsync(null, path, null, null);

    public static Task<StubSlurmrestd> WithTlsAsync(X509Certificate2 server, X509Certificate2? client) =>
        StartAsync(new Uri($"https://localhost:{Servers.FreePort()}"), null, server, client);

    /// <summary>Holds, or replaces, a record.</summary>
    public void Put(StubRecord record) => records[$"{record.JobId}/{record.Submit}"] = record.ToJson();

    /// <summary>Forgets a record, as a purge does.</summary>
    public void Remove(StubRecord record) => records.Remove($"{record.JobId}/{record.Submit}", out _);

    /// <summary>Holds something that is no run.</summary>
    public void Put(string key, string json) => records[key] = JsonNode.Parse(json)!.AsObject();

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private static async Task<StubSlurmrestd> StartAsync(Uri? address, string? socket, X509Certificate2? server, X509Certificate2? client)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel =>
        {
            if (socket is not null) kestrel.ListenUnixSocket(socket);
            else kestrel.ListenLocalhost(address!.Port, listen =>
            {
                if (server is null) return;
                listen.UseHttps(https =>
                {
                    https.ServerCertificate = server;
                    if (client is null) return;
                    https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                    https.ClientCertificateValidation = (certificate, _, _) => certificate.Thumbprint == client.Thumbprint;
                });
            });
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        var stub = new StubSlurmrestd(builder.Build(), address);
        stub.app.MapGet("/openapi/v3", stub.Description);
        stub.app.MapGet("/slurmdb/{version}/jobs/", stub.JobsAsync);
        await stub.app.StartAsync();
        return stub;
    }

    private IResult Description()
    {
        var paths = new JsonObject();
        foreach (string version in Versions)
        {
            JsonObject[] parameters = [.. new[] { "start_time", "end_time", "cluster", "skip_steps", "show_duplicates", "disable_truncate_usage_time" }.Select(name => new JsonObject { ["name"] = name })];
            paths[$"/slurmdb/{version}/jobs/"] = new JsonObject { ["get"] = new JsonObject { ["parameters"] = new JsonArray([.. parameters]) } };
            paths[$"/slurm/{version}/jobs/"] = new JsonObject();
        }

        return Results.Text(new JsonObject { ["openapi"] = "3.0.3", ["paths"] = paths }.ToJsonString(), "application/json");
    }

    private async Task JobsAsync(HttpContext context)
    {
        (long from, long to) = Span(context);
        var question = new Question(context.Request.Path, [.. context.Request.Query.Keys.Order(StringComparer.Ordinal)], from, to);
        questions.Enqueue(question);
        if (Held is { } held) await held(question);
        await ((HasSteps(context) ? InsteadOfSteps ?? Instead : Instead) ?? AnswerAsync)(context);
    }

    /// <summary>What the question is about, seconds since 1970.</summary>
    public static (long From, long To) Span(HttpContext context) =>
        (Seconds(context.Request.Query["start_time"]!), Seconds(context.Request.Query["end_time"]!));

    /// <summary>The usual answer.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        bool isKnown = context.Request.Headers["X-SLURM-USER-TOKEN"] == Token || context.Request.Headers.Authorization == $"Bearer {Token}" || context.Connection.ClientCertificate is not null;
        if (!isKnown)
        {
            await context.Response.WriteAsync("""{"jobs": [], "errors": [{"error_number": 1007, "error": "Protocol authentication error"}]}""");
            return;
        }

        (long from, long to) = Span(context);
        JsonObject[] found = [.. records.Values.Where(record => Overlaps(record, from, to))];
        string answer = new JsonObject { ["jobs"] = new JsonArray([.. found.Select(record => Answered(record, HasSteps(context)))]), ["errors"] = new JsonArray() }.ToJsonString();
        await context.Response.WriteAsync(answer);
    }

    private static bool HasSteps(HttpContext context) => !context.Request.Query.ContainsKey("skip_steps");

    private static JsonNode Answered(JsonObject record, bool hasSteps)
    {
        JsonNode answered = record.DeepClone();
        if (!hasSteps) answered["steps"] = new JsonArray();
        return answered;
    }

    private static bool Overlaps(JsonObject record, long from, long to)
    {
        JsonNode? time = record["time"];
        if (time is null) return true;
        long end = time["end"]!.GetValue<long>();
        return time["submission"]!.GetValue<long>() <= to && (end == 0 || end >= from);
    }

    private static long Seconds(string uts) => long.Parse(uts["uts".Length..], CultureInfo.InvariantCulture);

    internal sealed record Question(string Path, IReadOnlyList<string> Parameters, long From, long To);
}

/// <summary>A record as a newer slurmrestd writes it.</summary>
internal sealed record StubRecord(long JobId, long Submit, long Start, long End)
{
    public long Elapsed { get; init; } = End > 0 ? End - Start : 5;

    public string State { get; init; } = End > 0 ? "COMPLETED" : Start > 0 ? "RUNNING" : "PENDING";

    public string Account { get; init; } = "physics";

    public string User { get; init; } = "alice";

    /// <summary>Type, name and count; null for two CPUs while it has started.</summary>
    public IReadOnlyList<(string Type, string Name, long Count)>? Tres { get; init; }

    public string? Sluid { get; init; }

    public long MemoryMib { get; init; }

    public IReadOnlyList<StubStep> Steps { get; init; } = [];

    public JsonObject ToJson() => new()
    {
        ["job_id"] = JobId,
        ["cluster"] = StubSlurmrestd.Cluster,
        ["user"] = User,
        ["account"] = Account,
        ["partition"] = "cpu",
        ["qos"] = "normal",
        ["sluid"] = Sluid,
        ["state"] = new JsonObject { ["current"] = new JsonArray(State) },
        ["time"] = new JsonObject { ["submission"] = Submit, ["start"] = Start, ["end"] = End, ["elapsed"] = Elapsed },
        ["tres"] = new JsonObject { ["allocated"] = Allocated() },
        ["steps"] = new JsonArray([.. Steps.Select(step => step.ToJson())]),
    };

    private JsonArray Allocated()
    {
        IReadOnlyList<(string Type, string Name, long Count)> held = Tres ?? [("cpu", "", Start > 0 ? 2 : 0), ("mem", "", MemoryMib)];
        JsonObject[] entries = [.. held.Select(entry => new JsonObject { ["type"] = entry.Type, ["name"] = entry.Name, ["count"] = entry.Count })];
        return new JsonArray(entries);
    }
}

/// <summary>A step of a record.</summary>
internal sealed record StubStep(long CpuSeconds, long MemoryMib)
{
    private const long BytesPerMib = 1024 * 1024;

    public JsonObject ToJson() => new()
    {
        ["time"] = new JsonObject { ["total"] = new JsonObject { ["seconds"] = CpuSeconds, ["microseconds"] = 0 } },
        ["tasks"] = new JsonObject { ["count"] = 1 },
        ["tres"] = new JsonObject
        {
            ["requested"] = new JsonObject { ["total"] = new JsonArray(new JsonObject { ["type"] = "mem", ["name"] = "", ["count"] = MemoryMib * BytesPerMib }) },
        },
    };
}
