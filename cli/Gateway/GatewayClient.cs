using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace HpcBilling.Cli.Gateway;

/// <summary>The gateway's JSON API as one user sees it. Requests survive short outages (<see cref="Patience"/>).</summary>
internal sealed class GatewayClient : IDisposable
{
    private const long ReplyBytesMax = 64 * 1024 * 1024;
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(100);
    private readonly HttpClient http;
    private readonly Patience patience;

    private GatewayClient(Profile profile, Patience patience)
    {
        this.patience = patience;
        Url = profile.Url;
        // A redirect is never followed: the token would go along.
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            SslOptions = Trust.Options(profile.CaFiles),
        };
        http = new HttpClient(handler) { BaseAddress = profile.Url, Timeout = AttemptTimeout, MaxResponseContentBufferSize = ReplyBytesMax };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("hpcb", typeof(GatewayClient).Assembly.GetName().Version?.ToString(3)));
        if (profile.Token is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", profile.Token);
    }

    public Uri Url { get; }

    /// <summary>For a question whose asker waits.</summary>
    public static GatewayClient Open(Profile? profile = null) => new(profile ?? Profile.Load(), Patience.Short());

    /// <summary>For work that runs on while a service restarts.</summary>
    /// <param name="warn">Told why when the wait gets long.</param>
    public static GatewayClient OpenPatiently(Action<string> warn)
    {
        Profile profile = Profile.Load();
        return new GatewayClient(profile, Patience.Long(why => warn($"waiting for {profile.Url} ({why}); Ctrl-C stops")));
    }

    public void Dispose() => http.Dispose();

    public Task<JsonObject> GetAsync(string path, CancellationToken cancellationToken) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Get, path), isRepeatable: true, cancellationToken);

    /// <param name="path">Relative to the gateway.</param>
    /// <param name="body">Sent as JSON.</param>
    /// <param name="idempotencyKey">
    /// The same for every attempt, so that a repeated POST is one act. Null where the service knows no such key: then the
    /// request goes out once, and whoever loses the answer looks before he repeats it.
    /// </param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<JsonObject> PostAsync(string path, JsonObject body, Guid? idempotencyKey, CancellationToken cancellationToken) =>
        SendAsync(
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
                if (idempotencyKey is { } key) request.Headers.Add("Idempotency-Key", key.ToString());
                return request;
            },
            isRepeatable: idempotencyKey is not null,
            cancellationToken);

    /// <summary>Goes out once: the answer to a second one would be about what the first one did.</summary>
    public Task<JsonObject> PutAsync(string path, JsonObject body, CancellationToken cancellationToken) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Put, path) { Content = JsonContent.Create(body) }, isRepeatable: false, cancellationToken);

    /// <summary>Goes out once, and has no answer but that it is done.</summary>
    public async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, path);
        using HttpResponseMessage response = await CheckedAsync(await AnswerAsync(TryOnceAsync(request, cancellationToken), cancellationToken), cancellationToken);
    }

    /// <summary>A body of any length, not yet read; the caller disposes it.</summary>
    public async Task<HttpResponseMessage> GetStreamAsync(string path, CancellationToken cancellationToken) => await CheckedAsync(
        await PersistAsync(ct => http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, ct), cancellationToken), cancellationToken);

    /// <summary>One attempt; the whole reply whatever its status. For callers that must look again before they repeat.</summary>
    public Task<HttpResponseMessage> TryOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        http.SendAsync(request, cancellationToken);

    /// <summary>Repeats <paramref name="attempt"/> while the gateway or the service behind it is away.</summary>
    /// <exception cref="CommandFailedException">It stays away, or the reply is an error.</exception>
    public Task<HttpResponseMessage> PersistAsync(
        Func<CancellationToken, Task<HttpResponseMessage>> attempt, CancellationToken cancellationToken) =>
        AnswerAsync(patience.ExecuteAsync(attempt, cancellationToken), cancellationToken);

    private async Task<HttpResponseMessage> AnswerAsync(Task<HttpResponseMessage> attempts, CancellationToken cancellationToken)
    {
        try
        {
            return await attempts;
        }
        catch (HttpRequestException unreachable)
        {
            throw new CommandFailedException(ExitCode.Unreachable, $"{Url} cannot be reached: {Patience.Reason(unreachable)}", unreachable);
        }
        catch (TaskCanceledException slow) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailedException(ExitCode.Unreachable, $"{Url} did not answer within {AttemptTimeout.TotalSeconds} s", slow);
        }
    }

    private async Task<JsonObject> SendAsync(Func<HttpRequestMessage> request, bool isRepeatable, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await CheckedAsync(
            isRepeatable
                ? await PersistAsync(ct => TryOnceAsync(request(), ct), cancellationToken)
                : await AnswerAsync(TryOnceAsync(request(), cancellationToken), cancellationToken),
            cancellationToken);
        return Reply.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken), Url);
    }

    private static async Task<HttpResponseMessage> CheckedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode) return response;
        using (response)
            throw await Problem.ReadAsync(response, cancellationToken);
    }
}
