using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
public sealed class TokenEndpointTests(Site site) : IClassFixture<Site>
{
    private const string SessionType = "urn:hpcbilling:token-type:session";
    private const string TokenType = "urn:hpcbilling:token-type:pat";

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task A_session_becomes_a_signed_token_of_five_minutes_that_the_published_key_verifies()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        (HttpStatusCode status, JsonElement answer) = await ExchangeAsync(SessionType, browser.Session!);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("Bearer", answer.GetProperty("token_type").GetString());
        Assert.InRange(answer.GetProperty("expires_in").GetInt32(), 290, 300);
        JsonWebToken token = await ValidateAsync(answer.GetProperty("access_token").GetString()!);
        Assert.Equal("at+jwt", token.Typ);
        Assert.Equal("ES256", token.Alg);
        Assert.Equal("alice", token.GetClaim("preferred_username").Value);
        Assert.Equal("user", token.GetClaim("role").Value);
        Assert.Equal("01900000-0000-7000-8000-000000000001", token.GetClaim("org_id").Value);
        Assert.Equal("usage.read receipts.read receipts.write payments.write", token.GetClaim("scope").Value);
        Assert.Equal(["portal", "usage", "rating", "payment", "identity"], token.Audiences);
        Assert.Equal(
            await site.Identity.ScalarAsync<Guid>("SELECT session_id FROM sessions WHERE secret_hash = @Hash", new { Hash = Hash(browser.Session!) }),
            Guid.Parse(token.GetClaim("sid").Value));
        Assert.True(token.TryGetClaim("jti", out _));
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task Only_the_gateway_may_exchange()
    {
        (HttpStatusCode status, JsonElement answer) = await ExchangeAsync(TokenType, Site.DemoToken, "collector", Site.MachineSecret);
        Assert.Equal((HttpStatusCode.BadRequest, "unauthorized_client"), (status, answer.GetProperty("error").GetString()));
        (status, answer) = await ExchangeAsync(TokenType, Site.DemoToken, "gateway", "a wrong secret");
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_client"), (status, answer.GetProperty("error").GetString()));
    }

    [Theory]
    [InlineData(SessionType, "")]
    [InlineData(SessionType, "unknown")]
    [InlineData(TokenType, "hpcb_unknown")]
    [InlineData(SessionType, Site.DemoToken)]
    [InlineData("urn:ietf:params:oauth:token-type:jwt", Site.DemoToken)]
    public async Task What_is_not_known_is_not_exchanged(string type, string subject)
    {
        (HttpStatusCode status, JsonElement answer) = await ExchangeAsync(type, subject);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), (status, answer.GetProperty("error").GetString()));
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task A_machine_client_gets_its_own_scopes_and_no_more()
    {
        (HttpStatusCode status, JsonElement answer) = await TokenAsync("collector", Site.MachineSecret, ("grant_type", "client_credentials"), ("scope", "usage.write"));
        Assert.Equal(HttpStatusCode.OK, status);
        JsonWebToken token = await ValidateAsync(answer.GetProperty("access_token").GetString()!);
        Assert.Equal(("collector", "usage.write"), (token.Subject, token.GetClaim("scope").Value));
        Assert.Equal(["usage"], token.Audiences);
        Assert.False(token.TryGetClaim("role", out _));

        (status, answer) = await TokenAsync("collector", Site.MachineSecret, ("grant_type", "client_credentials"), ("scope", "usage.write users.write"));
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_scope"), (status, answer.GetProperty("error").GetString()));
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task A_service_of_ours_names_the_org_that_it_works_for_and_nobody_else_may()
    {
        string org = Guid.CreateVersion7().ToString();
        (HttpStatusCode status, JsonElement answer) = await TokenAsync("usage", Site.MachineSecret, ("grant_type", "client_credentials"), ("org_id", org));
        Assert.Equal(HttpStatusCode.OK, status);
        JsonWebToken token = await ValidateAsync(answer.GetProperty("access_token").GetString()!);
        Assert.Equal(("usage", "runs.classify", org), (token.Subject, token.GetClaim("scope").Value, token.GetClaim("org_id").Value));
        Assert.Equal(["rating"], token.Audiences);

        foreach ((string client, string named) in new[] { ("collector", org), ("usage", "every") })
        {
            (status, answer) = await TokenAsync(client, Site.MachineSecret, ("grant_type", "client_credentials"), ("org_id", named));
            Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), (status, answer.GetProperty("error").GetString()));
        }
    }

    [Fact]
    public async Task Discovery_names_the_public_issuer_and_addresses_that_the_asker_can_reach()
    {
        using HttpClient inside = site.Identity.Client(null);
        JsonElement internally = await inside.GetFromJsonAsync<JsonElement>("/.well-known/openid-configuration");
        Assert.Equal(Site.Issuer, internally.GetProperty("issuer").GetString());
        Assert.StartsWith(site.Identity.Address.ToString(), internally.GetProperty("jwks_uri").GetString());

        using HttpClient outside = site.Program();
        JsonElement externally = await outside.GetFromJsonAsync<JsonElement>("/.well-known/openid-configuration");
        Assert.Equal(Site.Issuer, externally.GetProperty("issuer").GetString());
        Assert.Equal(new Uri(site.Gateway.SecureAddress!, "/.well-known/jwks.json").ToString(), externally.GetProperty("jwks_uri").GetString());
        Assert.Single(await KeysAsync(outside));
    }

    [Fact]
    public async Task The_published_keys_are_public_and_named_by_their_thumbprint()
    {
        using HttpClient client = site.Program();
        string text = await client.GetStringAsync("/.well-known/jwks.json");
        Assert.DoesNotContain("\"d\"", text);
        JsonWebKey key = Assert.Single(new JsonWebKeySet(text).Keys);
        Assert.Equal(Base64UrlEncoder.Encode(key.ComputeJwkThumbprint()), key.Kid);
        Assert.Equal(("EC", "P-256", "sig", "ES256"), (key.Kty, key.Crv, key.Use, key.Alg));
    }

    [Fact]
    public async Task Who_holds_a_session_can_revoke_it_and_an_unknown_one_is_answered_alike()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("bob", Site.DemoPassword)) { }
        using HttpClient client = site.Program();
        using HttpResponseMessage known = await client.PostAsync("/connect/revocation", Form(("token", browser.Session!)));
        using HttpResponseMessage unknown = await client.PostAsync("/connect/revocation", Form(("token", "never-seen")));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (known.StatusCode, unknown.StatusCode));
        Assert.Equal(HttpStatusCode.BadRequest, (await ExchangeAsync(SessionType, browser.Session!)).Status);
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "session.revoked", Subject: "user:bob" });
    }

    [Fact]
    [Trait("Control", "AUTHZ-01")]
    public async Task Userinfo_wants_a_token_of_ours()
    {
        using HttpClient client = site.Identity.Client(null);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/connect/userinfo")).StatusCode);

        // Same claims and kid, another key.
        (_, JsonElement answer) = await ExchangeAsync(TokenType, Site.DemoToken);
        string[] parts = answer.GetProperty("access_token").GetString()!.Split('.');
        using var strangerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string signature = Base64UrlEncoder.Encode(strangerKey.SignData(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), HashAlgorithmName.SHA256));
        client.DefaultRequestHeaders.Authorization = new("Bearer", $"{parts[0]}.{parts[1]}.{signature}");
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/connect/userinfo")).StatusCode);

        client.DefaultRequestHeaders.Authorization = new("Bearer", string.Join('.', parts));
        JsonElement info = await client.GetFromJsonAsync<JsonElement>("/connect/userinfo");
        Assert.Equal("admin", info.GetProperty("preferred_username").GetString());
    }

    private Task<(HttpStatusCode Status, JsonElement Answer)> ExchangeAsync(
        string type, string subject, string client = "gateway", string secret = Site.GatewaySecret) => TokenAsync(
        client, secret, ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("subject_token_type", type), ("subject_token", subject));

    private async Task<(HttpStatusCode Status, JsonElement Answer)> TokenAsync(string client, string secret, params (string, string)[] form)
    {
        using HttpClient http = site.Program();
        http.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{client}:{Uri.EscapeDataString(secret)}")));
        using HttpResponseMessage response = await http.PostAsync("/connect/token", Form(form));
        Assert.True(response.Headers.CacheControl!.NoStore);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    private async Task<JsonWebToken> ValidateAsync(string text)
    {
        using HttpClient client = site.Program();
        TokenValidationResult result = await new JsonWebTokenHandler().ValidateTokenAsync(text, new TokenValidationParameters
        {
            ValidIssuer = Site.Issuer,
            ValidateAudience = false, // asserted by the tests one by one
            ValidTypes = ["at+jwt"],
            ValidAlgorithms = ["ES256"],
            IssuerSigningKeys = await KeysAsync(client),
        });
        Assert.True(result.IsValid, result.Exception?.Message);
        return (JsonWebToken)result.SecurityToken;
    }

    private static async Task<IList<SecurityKey>> KeysAsync(HttpClient client) =>
        new JsonWebKeySet(await client.GetStringAsync("/.well-known/jwks.json")).GetSigningKeys();

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
