using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>A real OpenID provider in a Node process on loopback, and a person's browser at it.</summary>
internal sealed class NodeProvider : IAsyncDisposable
{
    public const string ClientSecret = "a secret of a relying party: 0123456789 abc";
    public const string Audience = "hpcbilling";
    private const string NativeRedirect = "https://client.example.org/cb";
    private readonly Process process;
    private bool isDisposed;

    private NodeProvider(Process process, string issuer) => (this.process, Issuer) = (process, issuer);

    public string Issuer { get; }

    /// <param name="accounts">Subject → what its tokens say about the person.</param>
    public static async Task<NodeProvider> StartAsync(IReadOnlyDictionary<string, object> accounts)
    {
        string orders = JsonSerializer.Serialize(new
        {
            accounts,
            audience = Audience,
            clients = new object[]
            {
                new
                {
                    client_id = "hpcbilling", client_secret = ClientSecret, redirect_uris = new[] { "https://localhost/login/with/campus/callback" },
                    id_token_signed_response_alg = "ES256", grant_types = new[] { "authorization_code" }, response_types = new[] { "code" },
                },
                new
                {
                    client_id = "native", token_endpoint_auth_method = "none", redirect_uris = new[] { NativeRedirect },
                    grant_types = new[] { "authorization_code" }, response_types = new[] { "code" },
                },
            },
        });
        Process launched = await NodeScripts.StartAsync("provider.mjs", [orders]);
        Task<string> errors = launched.StandardError.ReadToEndAsync();
        string? issuer = await launched.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _ = launched.StandardOutput.ReadToEndAsync(); // nobody listens, and a full pipe would stop it
        return issuer is null ? throw new InvalidOperationException("provider.mjs: " + await errors) : new NodeProvider(launched, issuer);
    }

    /// <summary>A browser in which this person is signed in at the provider follows the address there, until the provider sends it elsewhere.</summary>
    /// <returns>Where it is sent.</returns>
    public async Task<Uri> VisitAsync(Uri address, string account)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() };
        using var browser = new HttpClient(handler);
        using (await browser.PostAsync($"{Issuer}/as/{account}", null)) { }
        for (int step = 0; step < 10; step++)
        {
            using HttpResponseMessage answer = await browser.GetAsync(address);
            if (answer.Headers.Location is not { } next) throw new InvalidOperationException($"{address} answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
            address = new Uri(address, next);
            if (!address.ToString().StartsWith(Issuer, StringComparison.Ordinal)) return address;
        }

        throw new InvalidOperationException("The provider leads in circles.");
    }

    /// <summary>An access token for the site that this person got with a program of his own.</summary>
    public async Task<string> AccessTokenAsync(string account, string scope = "openid profile", string resource = "urn:hpcbilling")
    {
        string verifier = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32));
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["client_id"] = "native", ["response_type"] = "code", ["redirect_uri"] = NativeRedirect, ["scope"] = scope, ["resource"] = resource,
            ["code_challenge"] = Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))), ["code_challenge_method"] = "S256",
        };
        Uri back = await VisitAsync(new Uri($"{Issuer}/auth?{await new FormUrlEncodedContent(parameters).ReadAsStringAsync()}"), account);
        using var client = new HttpClient();
        using HttpResponseMessage answer = await client.PostAsync($"{Issuer}/token", new FormUrlEncodedContent(
        [
            new("grant_type", "authorization_code"), new("client_id", "native"), new("redirect_uri", NativeRedirect),
            new("code", Parameter(back, "code")), new("code_verifier", verifier), new("resource", resource),
        ]));
        JsonElement body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return body.TryGetProperty("access_token", out JsonElement token) ? token.GetString()! : throw new InvalidOperationException(body.GetRawText());
    }

    public static string Parameter(Uri address, string name) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query).TryGetValue(name, out var value) ? value.ToString() : "";

    public async ValueTask DisposeAsync()
    {
        if (isDisposed) return;
        isDisposed = true;
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
