using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Serialization;

namespace HpcBilling.Gateway.Credentials;

/// <summary>Asks identity for the access token of a session or a personal access token (RFC 8693).</summary>
internal sealed class TokenExchange(IHttpClientFactory clients, GatewaySecret secret, ILogger<TokenExchange> log)
{
    public const string SessionType = "urn:hpcbilling:token-type:session";
    public const string PersonalAccessTokenType = "urn:hpcbilling:token-type:pat";
    private const string GrantType = "urn:ietf:params:oauth:grant-type:token-exchange";
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(5);

    public async Task<ExchangeOutcome> RunAsync(PresentedCredential.Exchangeable credential)
    {
        using var deadline = new CancellationTokenSource(TimeMax);
        try
        {
            using HttpRequestMessage request = Request(credential);
            using HttpResponseMessage response = await clients.CreateClient("identity").SendAsync(request, deadline.Token);
            if (response.StatusCode == HttpStatusCode.BadRequest) return new ExchangeOutcome.Refused();
            response.EnsureSuccessStatusCode();
            Answer answer = await response.Content.ReadFromJsonAsync<Answer>(deadline.Token) ?? throw new HttpRequestException("An empty answer.");
            return new ExchangeOutcome.Granted(AccessToken.Read(answer.AccessToken), TimeSpan.FromSeconds(answer.ExpiresIn));
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or System.Text.Json.JsonException)
        {
            // Closed, not open: without identity nobody is anybody.
            log.LogError(failure, "Identity gave no answer to a token exchange");
            return new ExchangeOutcome.Unavailable();
        }
    }

    private HttpRequestMessage Request(PresentedCredential.Exchangeable credential)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/connect/token")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["grant_type"] = GrantType,
                ["subject_token_type"] = credential.SubjectTokenType,
                ["subject_token"] = credential.Secret,
            }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", secret.Basic);
        return request;
    }

    private sealed record Answer(
        [property: JsonPropertyName("access_token")] string AccessToken, [property: JsonPropertyName("expires_in")] int ExpiresIn);
}

/// <summary>The gateway's own name and secret at identity.</summary>
/// <param name="ClientSecret">As configured at both.</param>
internal sealed record GatewaySecret(string ClientSecret)
{
    private const string ClientId = "gateway";

    public string Basic { get; } = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{ClientId}:{Uri.EscapeDataString(ClientSecret)}"));

    public override string ToString() => "***";
}

internal abstract record ExchangeOutcome
{
    private ExchangeOutcome() { }

    internal sealed record Granted(AccessToken Token, TimeSpan Lifetime) : ExchangeOutcome;

    /// <summary>Unknown, expired or revoked.</summary>
    internal sealed record Refused : ExchangeOutcome;

    /// <summary>Identity did not answer.</summary>
    internal sealed record Unavailable : ExchangeOutcome;
}
