using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>Sources as an org's admin sets them up; and a service that lets him, and polls once an hour unless somebody changes something.</summary>
internal sealed class SourceDesk(RunningService usage, TestCaller? caller = null)
{
    public const string TokenFile = "token.jwt";

    public static Task<RunningService> StartAsync(Servers servers, params (string Key, string Value)[] settings) => UsageClient.StartServiceAsync(
        servers,
        [
            ("Usage__Polling__IntervalSeconds", "3600"), ("Usage__Polling__BackoffSecondsMax", "1"), ("Usage__Polling__BreakSeconds", "1"), ("Usage__LeaseSeconds", "2"),
            .. settings.Select(setting => ("Usage__" + setting.Key, setting.Value)),
        ]);

    /// <summary>What the operator allows: these hosts, and a folder with the token that each of them takes.</summary>
    public static (string Key, string Value)[] Reach(params StubSlurmrestd[] stubs) =>
    [
        .. stubs.Select((stub, index) => ($"Reach__0__Hosts__{index}", Host(stub))), ("Reach__0__SecretsPath", SecretsFolder()),
    ];

    public static string SecretsFolder()
    {
        string folder = Directory.CreateTempSubdirectory("hpcb-secrets-").FullName;
        File.WriteAllText(Path.Combine(folder, TokenFile), "first-token\n");
        return folder;
    }

    public static string Host(StubSlurmrestd stub) => $"{stub.Address!.Host}:{stub.Address.Port}";

    public static JsonObject Rest(StubSlurmrestd stub, string name = "rest", int preference = 1) => Source(
        "slurmrestd", name, preference, new JsonObject { ["url"] = $"http://{Host(stub)}", ["tokenFile"] = TokenFile });

    public static JsonObject Source(string kind, string name, int preference, JsonObject settings) => new()
    {
        ["cluster"] = StubSlurmrestd.Cluster, ["name"] = name, ["kind"] = kind, ["preference"] = preference, ["enabled"] = true, ["settings"] = settings,
    };

    public async Task<JsonObject> ListAsync()
    {
        using HttpClient client = Client();
        return (await client.GetFromJsonAsync<JsonObject>("/api/v1/sources"))!;
    }

    public async Task<JsonObject> AddAsync(JsonObject source)
    {
        (HttpStatusCode status, JsonObject answer) = await SendAsync(HttpMethod.Post, "", source);
        Assert.True(status == HttpStatusCode.Created, answer.ToJsonString());
        return answer;
    }

    /// <param name="source">As it was read; it is not changed.</param>
    /// <param name="change">What is to be different.</param>
    public async Task<JsonObject> ChangeAsync(JsonObject source, Action<JsonObject> change)
    {
        (HttpStatusCode status, JsonObject answer) = await TryChangeAsync(source, change);
        Assert.True(status == HttpStatusCode.OK, answer.ToJsonString());
        return answer;
    }

    public Task<(HttpStatusCode Status, JsonObject Answer)> TryChangeAsync(JsonObject source, Action<JsonObject> change)
    {
        var body = source.DeepClone().AsObject();
        change(body);
        return SendAsync(HttpMethod.Put, "/" + source["id"], body);
    }

    public async Task RemoveAsync(JsonObject source) =>
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(HttpMethod.Delete, "/" + source["id"], null)).Status);

    public async Task<JsonObject> CheckAsync(JsonObject source)
    {
        (HttpStatusCode status, JsonObject answer) = await SendAsync(HttpMethod.Post, "/check", source);
        Assert.True(status == HttpStatusCode.OK, answer.ToJsonString());
        return answer;
    }

    public async Task<(HttpStatusCode Status, JsonObject Answer)> SendAsync(HttpMethod method, string path, JsonObject? body)
    {
        using HttpClient client = Client();
        using var request = new HttpRequestMessage(method, "/api/v1/sources" + path);
        if (body is not null) request.Content = JsonContent.Create(body);
        using HttpResponseMessage response = await client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? [] : JsonNode.Parse(text)!.AsObject());
    }

    /// <returns>The fields that the answer blames.</returns>
    public async Task<string[]> BlamedAsync(JsonObject source)
    {
        (HttpStatusCode status, JsonObject answer) = await SendAsync(HttpMethod.Post, "", source);
        Assert.True(status == HttpStatusCode.UnprocessableEntity, $"{status}: {answer.ToJsonString()}");
        (HttpStatusCode check, JsonObject checkedAnswer) = await SendAsync(HttpMethod.Post, "/check", source);
        Assert.True(check == HttpStatusCode.UnprocessableEntity, $"check {check}: {checkedAnswer.ToJsonString()}");
        return [.. answer["errors"]!.AsObject().Select(error => error.Key)];
    }

    private HttpClient Client() => usage.Client(caller ?? TestCaller.Admin());
}
