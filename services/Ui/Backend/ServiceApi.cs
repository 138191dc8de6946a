using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Ui.Backend;

/// <summary>Calls another service in the visitor's name and turns every way it can end into an <see cref="Answer{T}"/>.</summary>
/// <param name="clients">Holds one client per service; the host adds them with <c>AddServiceClient</c>.</param>
/// <param name="log">Where the reason of an unusable answer goes; the page shows only that there was none.</param>
public sealed class ServiceApi(IHttpClientFactory clients, ILogger<ServiceApi> log)
{
    private static readonly IReadOnlyDictionary<string, string[]> NoFields = new Dictionary<string, string[]>(StringComparer.Ordinal);

    public Task<Answer<T>> GetAsync<T>(string service, string path, Query query, CancellationToken ct)
        where T : class =>
        SendAsync<T>(service, new HttpRequestMessage(HttpMethod.Get, query.On(path)), ct);

    /// <param name="service">Name of the service.</param>
    /// <param name="method">POST, PUT, PATCH or DELETE.</param>
    /// <param name="path">Path of its API.</param>
    /// <param name="body">Sent as JSON.</param>
    /// <param name="ct">Cancelled when the visitor has gone.</param>
    public Task<Answer<T>> SendAsync<T>(string service, HttpMethod method, string path, object body, CancellationToken ct)
        where T : class =>
        SendAsync<T>(service, new HttpRequestMessage(method, path) { Content = JsonContent.Create(body, body.GetType()) }, ct);

    /// <summary>POST that may be sent again: with the same key and body it is carried out once.</summary>
    public Task<Answer<T>> PostOnceAsync<T>(string service, string path, object body, Guid idempotencyKey, CancellationToken ct)
        where T : class
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, body.GetType()) };
        request.Headers.Add("Idempotency-Key", idempotencyKey.ToString());
        return SendAsync<T>(service, request, ct);
    }

    private async Task<Answer<T>> SendAsync<T>(string service, HttpRequestMessage request, CancellationToken ct)
        where T : class
    {
        using HttpRequestMessage sent = request;
        try
        {
            using HttpClient client = clients.CreateClient(service);
            using HttpResponseMessage response = await client.SendAsync(sent, ct);
            return response.StatusCode switch
            {
                >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => await ReadAsync<T>(service, response, ct),
                HttpStatusCode.NotFound => new Answer<T>.Missing(),
                < HttpStatusCode.InternalServerError => new Answer<T>.Refused(await ReadRefusalAsync(response, ct)),
                _ => Unreachable<T>(service, sent, $"status {(int)response.StatusCode}"),
            };
        }
        catch (HttpRequestException failure)
        {
            return Unreachable<T>(service, sent, failure.Message);
        }
        catch (JsonException failure)
        {
            return Unreachable<T>(service, sent, failure.Message);
        }
    }

    private static async Task<Answer<T>> ReadAsync<T>(string service, HttpResponseMessage response, CancellationToken ct)
        where T : class
    {
        T? value = response.StatusCode == HttpStatusCode.NoContent
            ? JsonSerializer.Deserialize<T>("{}", JsonSerializerOptions.Web)
            : await response.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web, ct);
        return value is null ? new Answer<T>.Unreachable(service) : new Answer<T>.Got(value);
    }

    private static async Task<Refusal> ReadRefusalAsync(HttpResponseMessage response, CancellationToken ct)
    {
        int status = (int)response.StatusCode;
        string byStatus = ReasonPhrases.GetReasonPhrase(status);
        if (response.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json"))
            return new Refusal(status, byStatus, NoFields);
        try
        {
            ProblemBody? problem = await response.Content.ReadFromJsonAsync<ProblemBody>(JsonSerializerOptions.Web, ct);
            return new Refusal(status, problem?.Detail ?? problem?.Title ?? byStatus, problem?.Errors ?? NoFields);
        }
        catch (JsonException)
        {
            return new Refusal(status, byStatus, NoFields);
        }
    }

    private Answer<T>.Unreachable Unreachable<T>(string service, HttpRequestMessage request, string reason)
        where T : class
    {
        log.LogWarning("{Service} gave no usable answer to {Method} {Path}: {Reason}", service, request.Method, PathOf(request), reason);
        return new Answer<T>.Unreachable(service);
    }

    // Without the query: it holds usernames.
    private static string PathOf(HttpRequestMessage request) => request.RequestUri!.OriginalString.Split('?')[0];

    private sealed record ProblemBody(string? Title, string? Detail, IReadOnlyDictionary<string, string[]>? Errors);
}
