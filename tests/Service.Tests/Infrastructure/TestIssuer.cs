using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>An OpenID provider in the test process: a discovery document, one ES256 key, and tokens for anybody.</summary>
public sealed class TestIssuer : IAsyncDisposable
{
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsaSecurityKey signingKey;
    private WebApplication? app;

    // Named as identity names its keys (RFC 7638), so that an identity with this key knows it.
    public TestIssuer()
    {
        signingKey = new ECDsaSecurityKey(key);
        signingKey.KeyId = Base64UrlEncoder.Encode(signingKey.ComputeJwkThumbprint());
    }

    public string Issuer { get; private set; } = "";

    /// <summary>The private key, for a service that signs tokens itself.</summary>
    public string SigningKeyPem => key.ExportPkcs8PrivateKeyPem();

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.MapGet("/.well-known/openid-configuration", () => new { issuer = Issuer, jwks_uri = Issuer + "/jwks" });
        app.MapGet("/jwks", () =>
        {
            JsonWebKey jwk = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(signingKey);
            string[] names = [signingKey.KeyId, "test"]; // the second for forgers, who need a name that is known
            return Results.Json(new { keys = names.Select(kid => new { kty = jwk.Kty, crv = jwk.Crv, x = jwk.X, y = jwk.Y, kid, use = "sig", alg = "ES256" }) });
        });
        app.MapPost("/connect/token", async (HttpRequest request) =>
        {
            IFormCollection form = await request.ReadFormAsync();
            string client = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(request.Headers.Authorization.ToString()["Basic ".Length..])).Split(':')[0];
            string token = MachineToken(client, Guid.Parse(form["org_id"]!), string.Join(' ', ServiceDefaults.Auth.Policies.ServiceScopes), "rating");
            return Results.Json(new { access_token = token, token_type = "Bearer", expires_in = 300 });
        });
        await app.StartAsync();
        Issuer = app.Urls.Single();
    }

    /// <summary>A token as identity would issue it.</summary>
    public string Token(TestCaller caller, string audience, DateTimeOffset? now = null) => Sign(
        [
            new("sub", caller.UserId.ToString()), new("preferred_username", caller.Username), new("org_id", caller.OrgId.ToString()),
            new("role", caller.Role), new("scope", caller.Scopes), new("sid", "019a0000-0000-7000-8000-00000000005e"),
        ],
        audience, now);

    /// <summary>A token of a program, which is no user and has no role.</summary>
    public string MachineToken(string client, Guid orgId, string scopes, string audience) =>
        Sign([new("sub", client), new("client_id", client), new("org_id", orgId.ToString()), new("scope", scopes)], audience, now: null);

    private string Sign(IReadOnlyList<Claim> claims, string audience, DateTimeOffset? now)
    {
        DateTimeOffset issued = now ?? DateTimeOffset.UtcNow;
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = audience,
            Subject = new ClaimsIdentity(claims),
            TokenType = "at+jwt",
            IssuedAt = issued.UtcDateTime,
            NotBefore = issued.UtcDateTime,
            Expires = issued.AddMinutes(30).UtcDateTime,
            SigningCredentials = new SigningCredentials(signingKey, SecurityAlgorithms.EcdsaSha256),
        });
    }

    /// <summary>A genuine signature under any header and payload.</summary>
    public string Sign(string header, string payload)
    {
        string text = Base64UrlEncoder.Encode(header) + "." + Base64UrlEncoder.Encode(payload);
        return text + "." + Base64UrlEncoder.Encode(key.SignData(System.Text.Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256));
    }

    /// <summary>The published key, as a forger could have it.</summary>
    public ECDsa PublicKey() => ECDsa.Create(key.ExportParameters(includePrivateParameters: false));

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
        key.Dispose();
    }
}
