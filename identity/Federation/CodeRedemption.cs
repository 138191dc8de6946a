using System.IdentityModel.Tokens.Jwt;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Federation;

/// <summary>Turns the code that a browser brought back into who the provider says it is.</summary>
internal sealed class CodeRedemption(IHttpClientFactory clients)
{
    private static readonly JsonWebTokenHandler Handler = new();

    // The library checks nonce, azp, at_hash and the claims that an ID token must have. Our nonces are random and carry no time.
    private static readonly OpenIdConnectProtocolValidator Protocol = new() { RequireNonce = true, RequireTimeStampInNonce = false, RequireStateValidation = false };

    /// <exception cref="ProviderException">The provider does not answer, or its answer does not hold.</exception>
    public async Task<ProviderUser> RunAsync(
        Provider provider, PendingVisit visit, string code, string redirectUri, CancellationToken cancellation)
    {
        OpenIdConnectConfiguration metadata = await provider.ReadMetadataAsync(cancellation);
        using HttpClient http = clients.CreateClient(Providers.HttpClient);
        OpenIdConnectMessage answer = await RedeemAsync(http, provider.Options, metadata, visit, code, redirectUri, cancellation);
        JsonWebToken token = await ValidateAsync(provider, metadata, visit, answer);
        JsonObject claims = JsonNode.Parse(Base64UrlEncoder.Decode(token.EncodedPayload))!.AsObject();
        if (metadata.UserInfoEndpoint is { Length: > 0 } address)
        {
            JsonObject more = await AskAsync(http, address, answer.AccessToken, cancellation);
            if (more["sub"]?.ToString() != token.Subject) throw new ProviderException(SignInFault.Unverified, "userinfo speaks of somebody else");
            foreach ((string name, JsonNode? value) in more) claims.TryAdd(name, value?.DeepClone());
        }

        return new ProviderUser(token.Issuer, token.Subject, JsonSerializer.SerializeToElement(claims));
    }

    private static async Task<OpenIdConnectMessage> RedeemAsync(
        HttpClient http, ProviderOptions options, OpenIdConnectConfiguration metadata, PendingVisit visit, string code, string redirectUri, CancellationToken cancellation)
    {
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["redirect_uri"] = redirectUri,
            ["code_verifier"] = visit.Verifier,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, metadata.TokenEndpoint);
        ICollection<string> methods = metadata.TokenEndpointAuthMethodsSupported;
        if (methods.Contains("client_secret_post") && !methods.Contains("client_secret_basic"))
        {
            form["client_id"] = options.ClientId;
            form["client_secret"] = options.ClientSecret;
        }
        else
        {
            string pair = Uri.EscapeDataString(options.ClientId) + ":" + Uri.EscapeDataString(options.ClientSecret);
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        }

        request.Content = new FormUrlEncodedContent(form);
        string body = await SendAsync(http, request, "the token endpoint", cancellation);
        try
        {
            return new OpenIdConnectMessage(body);
        }
        catch (Exception strange) when (strange is ArgumentException or JsonException)
        {
            throw new ProviderException(SignInFault.Unverified, "the token endpoint's answer is no JSON object", strange);
        }
    }

    private static async Task<JsonWebToken> ValidateAsync(
        Provider provider, OpenIdConnectConfiguration metadata, PendingVisit visit, OpenIdConnectMessage answer)
    {
        if (string.IsNullOrEmpty(answer.IdToken) || string.IsNullOrEmpty(answer.AccessToken))
            throw new ProviderException(SignInFault.Unverified, "the token endpoint gave no ID token or no access token");
        TokenValidationResult result = await Handler.ValidateTokenAsync(answer.IdToken, new TokenValidationParameters
        {
            ValidIssuer = metadata.Issuer,
            ValidAudience = provider.Options.ClientId,
            ValidAlgorithms = provider.Options.AlgorithmsInForce,
            ConfigurationManager = provider.Metadata,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            ClockSkew = TimeSpan.FromMinutes(1),
        });
        if (!result.IsValid) throw new ProviderException(SignInFault.Unverified, "the ID token: " + result.Exception.Message, result.Exception);
        try
        {
            Protocol.ValidateTokenResponse(new OpenIdConnectProtocolValidationContext
            {
                ClientId = provider.Options.ClientId,
                Nonce = visit.Nonce,
                ProtocolMessage = answer,
                ValidatedIdToken = new JwtSecurityToken(answer.IdToken),
            });
        }
        catch (OpenIdConnectProtocolException wrong)
        {
            throw new ProviderException(SignInFault.Unverified, "the ID token: " + wrong.Message, wrong);
        }

        return (JsonWebToken)result.SecurityToken;
    }

    private static async Task<JsonObject> AskAsync(HttpClient http, string address, string accessToken, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        string body = await SendAsync(http, request, "userinfo", cancellation);
        try
        {
            return JsonNode.Parse(body) as JsonObject ?? [];
        }
        catch (JsonException strange)
        {
            throw new ProviderException(SignInFault.Unverified, "userinfo is no JSON object", strange);
        }
    }

    private static async Task<string> SendAsync(HttpClient http, HttpRequestMessage request, string what, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, cancellation);
            string body = await response.Content.ReadAsStringAsync(cancellation);
            if (response.IsSuccessStatusCode) return body;
            SignInFault fault = (int)response.StatusCode >= 500 ? SignInFault.Unreachable : SignInFault.Unverified;
            throw new ProviderException(fault, $"{what} answered {(int)response.StatusCode}");
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new ProviderException(SignInFault.Unreachable, $"{what} did not answer: {failure.Message}", failure);
        }
    }
}

/// <summary>Somebody whom a provider has signed in.</summary>
/// <param name="Issuer">The provider.</param>
/// <param name="Subject">Its name for the person, which never changes.</param>
/// <param name="Claims">What it says about the person: ID token, then userinfo.</param>
internal sealed record ProviderUser(string Issuer, string Subject, JsonElement Claims);
