using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Defaults;

[Collection(nameof(Servers))]
public sealed class TokenValidationTests(Servers servers)
{
    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task Only_an_unaltered_token_of_the_issuer_for_this_service_and_this_time_is_accepted()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        string good = servers.Issuer.Token(TestCaller.User("alice"), "probe");
        Assert.Equal(HttpStatusCode.OK, await GetAsync(probe, good));

        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var refused = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["another audience"] = servers.Issuer.Token(TestCaller.User("alice"), "rating"),
            ["expired"] = servers.Issuer.Token(TestCaller.User("alice"), "probe", DateTimeOffset.UtcNow.AddHours(-2)),
            ["not yet valid"] = servers.Issuer.Token(TestCaller.User("alice"), "probe", DateTimeOffset.UtcNow.AddHours(1)),
            ["no signature, alg none"] = $"{Encode("""{"alg":"none","typ":"at+jwt"}""")}.{good.Split('.')[1]}.",
            ["signature cut off"] = good[..(good.LastIndexOf('.') + 1)],
            ["another payload under the same signature"] = $"{good.Split('.')[0]}.{Encode("""{"role":"admin"}""")}.{good.Split('.')[2]}",
            ["a stranger's key under the known kid"] = Forge(new SigningCredentials(new ECDsaSecurityKey(stranger) { KeyId = "test" }, "ES256")),
            ["an unknown kid"] = Forge(new SigningCredentials(new ECDsaSecurityKey(stranger) { KeyId = "unknown" }, "ES256")),
            ["HS256 with the public key as the secret"] = Forge(new SigningCredentials(new SymmetricSecurityKey(await PublicKeyAsync()) { KeyId = "test" }, "HS256")),
            ["another type"] = Forge(new SigningCredentials(new ECDsaSecurityKey(stranger) { KeyId = "test" }, "ES256"), "JWT"),
        };
        foreach ((string why, string token) in refused)
            Assert.True(await GetAsync(probe, token) == HttpStatusCode.Unauthorized, why);
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(probe, null));
    }

    [Fact]
    [Trait("Control", "AUTHZ-01")]
    public async Task An_endpoint_without_a_policy_is_refused_even_to_an_admin()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient admin = probe.Client(TestCaller.Admin());
        Assert.Equal(HttpStatusCode.Forbidden, (await admin.GetAsync("/forgotten")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await admin.GetAsync("/admins")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await admin.GetAsync("/writers")).StatusCode);

        using HttpClient user = probe.Client(TestCaller.User("alice"));
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync("/admins")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync("/writers")).StatusCode);
        Assert.Contains("\"username\":\"alice\"", await user.GetStringAsync("/whoami"), StringComparison.Ordinal);

        using HttpClient nobody = probe.Client(null);
        using HttpResponseMessage refused = await nobody.GetAsync("/forgotten");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
    }

    private static async Task<HttpStatusCode> GetAsync(RunningService probe, string? token)
    {
        using HttpClient client = probe.Client(null);
        if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return (await client.GetAsync("/whoami")).StatusCode;
    }

    private string Forge(SigningCredentials credentials, string type = "at+jwt") => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = servers.Issuer.Issuer,
        Audience = "probe",
        TokenType = type,
        Expires = DateTime.UtcNow.AddMinutes(5),
        Subject = new ClaimsIdentity([new("sub", Guid.CreateVersion7().ToString()), new("preferred_username", "mallory"), new("role", "admin")]),
        SigningCredentials = credentials,
    });

    private async Task<byte[]> PublicKeyAsync()
    {
        using var client = new HttpClient();
        return SHA256.HashData(Encoding.UTF8.GetBytes(await client.GetStringAsync(servers.Issuer.Issuer + "/jwks")));
    }

    private static string Encode(string json) => Base64UrlEncoder.Encode(json);
}
