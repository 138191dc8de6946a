using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Reconciling;

/// <summary>This service's own tokens from identity (client credentials), one an org: it works for all of them, and never for two at once.</summary>
internal sealed class ServiceTokens(IHttpClientFactory clients, IOptions<UsageOptions> options, TimeProvider clock)
{
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<Guid, Kept> tokens = new();

    /// <exception cref="HttpRequestException">Identity gives none.</exception>
    public async Task<AuthenticationHeaderValue> OfAsync(Guid org, CancellationToken cancellation)
    {
        if (!tokens.TryGetValue(org, out Kept kept) || kept.Until <= clock.GetUtcNow()) tokens[org] = kept = await AskAsync(org, cancellation);
        return new AuthenticationHeaderValue("Bearer", kept.Token);
    }

    private async Task<Kept> AskAsync(Guid org, CancellationToken cancellation)
    {
        HttpClient identity = clients.CreateClient("identity");
        if (options.Value.ClientSecret is null || identity.BaseAddress is null)
            throw new ReconcileException("Rating cannot be asked: Usage:ClientSecret and the addresses of identity and rating (services:…) are needed for that.");

        using var request = new HttpRequestMessage(HttpMethod.Post, "/connect/token")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>(StringComparer.Ordinal) { ["grant_type"] = "client_credentials", ["org_id"] = org.ToString() }),
        };
        string secret = Uri.EscapeDataString(options.Value.ClientSecret);
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{UsageOptions.ClientId}:{secret}")));
        using HttpResponseMessage response = await identity.SendAsync(request, cancellation);
        response.EnsureSuccessStatusCode();
        Answer answer = await response.Content.ReadFromJsonAsync<Answer>(cancellation) ?? throw new HttpRequestException("Identity's answer is empty.");
        return new Kept(answer.AccessToken, clock.GetUtcNow().AddSeconds(answer.ExpiresIn) - Margin);
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Kept(string Token, DateTimeOffset Until);

    private sealed record Answer(
        [property: JsonPropertyName("access_token")] string AccessToken, [property: JsonPropertyName("expires_in")] int ExpiresIn);
}
