using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>Who may ask identity for what, and what everybody else is told.</summary>
[Collection(nameof(Servers))]
public sealed class ClientAuthenticationTests(Servers servers, ClientAuthenticationTests.Clients clients) : IClassFixture<ClientAuthenticationTests.Clients>
{
    private const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    private const string Token = "/connect/token";
    private const string Introspect = "/connect/introspect";
    private const string Revoke = "/connect/revocation";

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task An_assertion_is_good_once()
    {
        string assertion = Assertion();
        Assert.Equal(HttpStatusCode.OK, (await GrantAsync(assertion)).Status);
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_client"), await RefusalAsync(assertion));

        // Shared by replicas, and by all three endpoints.
        await using RunningService replica = clients.Site.Identity.Replica();
        await replica.StartAsync();
        using HttpClient there = replica.Client(null);
        using HttpResponseMessage again = await there.PostAsync(Token, Form(("grant_type", "client_credentials"), ("client_assertion_type", AssertionType), ("client_assertion", assertion)));
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(Introspect, ("token", "x"), ("client_assertion_type", AssertionType), ("client_assertion", assertion))).Status);

        string[] racing = [.. Enumerable.Repeat(Assertion(), 8)];
        var answers = await Task.WhenAll(racing.Select(GrantAsync));
        Assert.Equal(1, answers.Count(answer => answer.Status == HttpStatusCode.OK));
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task An_assertion_that_does_not_hold_in_every_part_is_refused()
    {
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DateTime now = DateTime.UtcNow;
        var wrong = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["a stranger's key"] = Assertion(key: new ECDsaSecurityKey(stranger)),
            ["another client's name"] = Assertion(issuer: "collector", subject: "collector"),
            ["issuer and subject differ"] = Assertion(subject: "collector"),
            ["an unknown client"] = Assertion(issuer: "nobody", subject: "nobody"),
            ["another audience"] = Assertion(audience: "https://elsewhere.example.org"),
            ["the host that the request names"] = Assertion(audience: clients.Site.Gateway.SecureAddress + "connect/token"),
            ["no end"] = Assertion(expires: DateTime.MinValue),
            ["ended"] = Assertion(expires: now.AddMinutes(-1)),
            ["lives too long"] = Assertion(expires: now.AddMinutes(6)),
            ["not yet valid"] = Assertion(notBefore: now.AddMinutes(2)),
            ["no id"] = Assertion(id: ""),
            ["a very long id"] = Assertion(id: new string('j', 256)),
            ["HS256 keyed with the public key"] = Assertion(key: new SymmetricSecurityKey(Encoding.UTF8.GetBytes(clients.Key.ExportSubjectPublicKeyInfoPem())), algorithm: "HS256"),
            ["no signature"] = Assertion()[..(Assertion().LastIndexOf('.') + 1)],
            ["no token"] = "x",
        };
        foreach ((string why, string assertion) in wrong)
            Assert.True(await RefusalAsync(assertion) == (HttpStatusCode.Unauthorized, "invalid_client"), why);

        string good = Assertion();
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(Token, ("grant_type", "client_credentials"), ("client_assertion_type", "urn:other"), ("client_assertion", good))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(
            Token, ("grant_type", "client_credentials"), ("client_id", "collector"), ("client_assertion_type", AssertionType), ("client_assertion", Assertion()))).Status);
        Assert.Equal(HttpStatusCode.OK, (await GrantAsync(Assertion(audience: Site.Issuer + "/connect/token"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await GrantAsync(Assertion(key: new RsaSecurityKey(clients.Rsa), algorithm: "RS256"))).Status); // from the key set
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task Errors_are_those_of_the_standard()
    {
        (string, string)[] secret = [("client_id", "collector"), ("client_secret", Site.MachineSecret)];
        await ExpectAsync(HttpStatusCode.BadRequest, "invalid_request", Token, secret);
        await ExpectAsync(HttpStatusCode.BadRequest, "invalid_request", Token, [.. secret, ("grant_type", "client_credentials"), ("grant_type", "client_credentials")]);
        await ExpectAsync(HttpStatusCode.BadRequest, "unsupported_grant_type", Token, [.. secret, ("grant_type", "password")]);
        await ExpectAsync(HttpStatusCode.BadRequest, "invalid_scope", Token, [.. secret, ("grant_type", "client_credentials"), ("scope", "users.write")]);
        await ExpectAsync(HttpStatusCode.BadRequest, "unauthorized_client", Token, [.. secret, ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")]);
        await ExpectAsync(HttpStatusCode.Unauthorized, "invalid_client", Token, [("grant_type", "client_credentials")]);
        await ExpectAsync(HttpStatusCode.Unauthorized, "invalid_client", Token, [("grant_type", "client_credentials"), ("client_id", "collector"), ("client_secret", "wrong")]);
        await ExpectAsync(HttpStatusCode.Unauthorized, "invalid_client", Token, [("grant_type", "client_credentials"), ("client_id", "signer"), ("client_secret", "")]);
        await ExpectAsync(HttpStatusCode.BadRequest, "invalid_request", Token,
            [.. secret, ("grant_type", "client_credentials"), ("client_assertion_type", AssertionType), ("client_assertion", Assertion())]);
        await ExpectAsync(HttpStatusCode.Unauthorized, "invalid_client", Introspect, [("token", "x")]);
        await ExpectAsync(HttpStatusCode.BadRequest, "invalid_request", Introspect, secret);
        await ExpectAsync(HttpStatusCode.BadRequest, "invalid_request", Revoke, secret);
        await ExpectAsync(HttpStatusCode.Unauthorized, "invalid_client", Revoke, [("token", "x"), ("client_id", "collector"), ("client_secret", "wrong")]);

        using HttpClient program = clients.Site.Program();
        using HttpResponseMessage json = await program.PostAsJsonAsync(Token, new { grant_type = "client_credentials" });
        Assert.Equal(HttpStatusCode.BadRequest, json.StatusCode);
        program.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", "not base64 at all");
        using HttpResponseMessage basic = await program.PostAsync(Token, Form(("grant_type", "client_credentials")));
        Assert.Equal(HttpStatusCode.Unauthorized, basic.StatusCode);
        Assert.StartsWith("Basic", basic.Headers.WwwAuthenticate.Single().ToString());
    }

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task Introspection_tells_a_client_about_tokens_for_its_service_alone_and_only_while_they_work()
    {
        using Browser browser = clients.Site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        string session = await ExchangeAsync("urn:hpcbilling:token-type:session", browser.Session!);
        string personal = await ExchangeAsync("urn:hpcbilling:token-type:pat", Site.DemoToken);
        JsonElement answer = await IntrospectAsync(session);
        Assert.True(answer.GetProperty("active").GetBoolean());
        Assert.Equal(("alice", "user"), (answer.GetProperty("username").GetString(), answer.GetProperty("role").GetString()));
        Assert.True((await IntrospectAsync(personal)).GetProperty("active").GetBoolean());
        Assert.Equal("admin", (await IntrospectAsync(Site.DemoToken)).GetProperty("username").GetString()); // as it was presented

        // For other services: the collector's tokens are for usage, the auditor asks about audit.
        string machine = (await GrantAsync(Assertion())).Answer.GetProperty("access_token").GetString()!;
        Assert.True((await IntrospectAsync(machine)).GetProperty("active").GetBoolean());
        await ExpectInactiveAsync(machine, "auditor");
        await ExpectInactiveAsync(session, "auditor");
        Assert.True((await IntrospectAsync(personal, "auditor")).GetProperty("active").GetBoolean()); // an admin's is for audit too
        await ExpectInactiveAsync(personal, "foreigner"); // a client of another org

        await ExpectInactiveAsync("unknown");
        await ExpectInactiveAsync(machine[..^4] + "AAAA");
        await ExpectInactiveAsync(new string('a', 20_000));
        await ExpectInactiveAsync(servers.Issuer.Token(TestCaller.User("alice"), "usage"));
        await ExpectInactiveAsync(browser.Session!); // the cookie is the gateway's alone

        using (await browser.PostAsync("/account", "/logout")) { }
        await ExpectInactiveAsync(session);
        string ofDave = await SessionTokenAsync("dave");
        Assert.True((await IntrospectAsync(ofDave)).GetProperty("active").GetBoolean());
        await clients.Site.Identity.ExecuteAsync("UPDATE users SET status = 'disabled' WHERE username = 'dave'");
        await ExpectInactiveAsync(ofDave);
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task A_client_ends_its_own_tokens_and_a_holder_the_one_he_holds()
    {
        (_, JsonElement first) = await GrantAsync(Assertion());
        string token = first.GetProperty("access_token").GetString()!;
        await ExpectAsync(HttpStatusCode.BadRequest, "unauthorized_client", Revoke, [("token", token), ("client_id", "collector"), ("client_secret", Site.MachineSecret)]);
        Assert.True((await IntrospectAsync(token)).GetProperty("active").GetBoolean());
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Revoke, ("token", token), ("client_assertion_type", AssertionType), ("client_assertion", Assertion()))).Status);
        await ExpectInactiveAsync(token);
        Assert.Contains(await clients.Site.ActsAsync(), act => act is { Action: "access_token.revoked", Subject: "client:signer" });

        string held = await ExchangeAsync("urn:hpcbilling:token-type:pat", Site.DemoToken);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Revoke, ("token", held))).Status);
        await ExpectInactiveAsync(held);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Revoke, ("token", held[..^4] + "AAAA"))).Status); // forged: nothing to end, nothing told
    }

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task The_discovery_document_names_everything_that_is_there_and_nothing_else()
    {
        using HttpClient program = clients.Site.Program();
        JsonElement document = await program.GetFromJsonAsync<JsonElement>("/.well-known/openid-configuration");
        string door = clients.Site.Gateway.SecureAddress!.GetLeftPart(UriPartial.Authority);
        string[] named = [.. document.EnumerateObject().Where(member => member.Name.EndsWith("_endpoint", StringComparison.Ordinal) || member.Name == "jwks_uri")
            .Select(member => member.Value.GetString()!)];
        Assert.All(named, address => Assert.StartsWith(door, address));
        foreach (string address in named)
        {
            using HttpResponseMessage answer = await program.SendAsync(new HttpRequestMessage(
                address.EndsWith("jwks.json", StringComparison.Ordinal) || address.EndsWith("userinfo", StringComparison.Ordinal) ? HttpMethod.Get : HttpMethod.Post, address));
            Assert.DoesNotContain(answer.StatusCode, new[] { HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed, HttpStatusCode.InternalServerError });
        }

        // Every endpoint below /connect is in it.
        string[] mapped = [.. Directory.GetFiles(Path.Combine(Repository.Root, "identity", "Tokens"), "*.cs")
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), "Path = \"(/connect/[a-z]+)\"").Select(match => door + match.Groups[1].Value))];
        Assert.Equal(mapped.Order(), named.Where(address => address.Contains("/connect/", StringComparison.Ordinal)).Order());

        // Every scope can be given, and every grant that is refused as unknown is not in it.
        string[] scopes = [.. document.GetProperty("scopes_supported").EnumerateArray().Select(scope => scope.GetString()!)];
        (HttpStatusCode status, JsonElement all) = await PostAsync(
            Token, ("grant_type", "client_credentials"), ("client_id", "auditor"), ("client_secret", Clients.OtherSecret), ("scope", string.Join(' ', scopes)));
        Assert.Equal((HttpStatusCode.OK, string.Join(' ', scopes)), (status, new JsonWebToken(all.GetProperty("access_token").GetString()).GetClaim("scope").Value));
        (_, JsonElement refusal) = await PostAsync(Token, ("grant_type", "x"), ("client_id", "auditor"), ("client_secret", Clients.OtherSecret));
        string[] grants = [.. document.GetProperty("grant_types_supported").EnumerateArray().Select(grant => grant.GetString()!)];
        Assert.Equal("grant_type must be one of: " + string.Join(", ", grants), refusal.GetProperty("error_description").GetString());
        string userToken = await ExchangeAsync("urn:hpcbilling:token-type:pat", Site.DemoToken);
        var token = new JsonWebToken(userToken);
        Assert.All(document.GetProperty("claims_supported").EnumerateArray(), claim => Assert.True(token.TryGetClaim(claim.GetString(), out _)));
    }

    [Theory]
    [InlineData("Secret", "too short", "Identity:Clients:1:Secret must have at least 32 characters")]
    [InlineData("Scopes", "usage.read no.such", "Identity:Clients:1:Scopes: there is no scope no.such")]
    [InlineData("EveryOrg", "true", "Identity:Clients:1:EveryOrg: only a service of ours works for every org")]
    [InlineData("Audience", " ", "Identity:Clients:1:Audience is missing")]
    [InlineData("PublicKeys__0", "x", "Identity:Clients:1:PublicKeys and Jwks must be public keys")]
    [InlineData("Jwks", """{"keys":[{"kty":"oct","k":"AAAA"}]}""", "Identity:Clients:1:Jwks holds no public signing key")]
    [InlineData("Id", "gateway", "Identity:Clients:1:Id: 'gateway' is the gateway's own")]
    [InlineData("Id", "collector", "Identity:Clients: collector stands there twice")]
    public async Task Identity_does_not_start_with_a_client_that_is_not_fully_said(string key, string value, string expected)
    {
        RunningService identity = clients.Site.Identity.Replica();
        identity.Settings["Identity__Clients__1__" + key] = value;
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(identity.StartAsync);
        Assert.Contains(expected, refused.Message);
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> GrantAsync(string assertion) =>
        await PostAsync(Token, ("grant_type", "client_credentials"), ("client_assertion_type", AssertionType), ("client_assertion", assertion));

    private async Task<(HttpStatusCode, string?)> RefusalAsync(string assertion)
    {
        (HttpStatusCode status, JsonElement answer) = await GrantAsync(assertion);
        return (status, answer.TryGetProperty("error", out JsonElement error) ? error.GetString() : null);
    }

    private async Task ExpectAsync(HttpStatusCode status, string error, string path, (string, string)[] form)
    {
        (HttpStatusCode seen, JsonElement answer) = await PostAsync(path, form);
        Assert.Equal((status, error), (seen, answer.GetProperty("error").GetString()));
    }

    private async Task<JsonElement> IntrospectAsync(string token, string client = "collector")
    {
        string secret = client == "collector" ? Site.MachineSecret : Clients.OtherSecret;
        (HttpStatusCode status, JsonElement answer) = await PostAsync(Introspect, ("token", token), ("client_id", client), ("client_secret", secret));
        Assert.Equal(HttpStatusCode.OK, status);
        return answer;
    }

    private async Task ExpectInactiveAsync(string token, string client = "collector") =>
        Assert.Equal("""{"active":false}""", (await IntrospectAsync(token, client)).GetRawText());

    private async Task<string> SessionTokenAsync(string user)
    {
        using Browser browser = clients.Site.Browser();
        using (await browser.SignInAsync(user, Site.DemoPassword)) { }
        return await ExchangeAsync("urn:hpcbilling:token-type:session", browser.Session!);
    }

    private async Task<string> ExchangeAsync(string type, string subject) => (await PostAsync(
        Token, ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("subject_token_type", type), ("subject_token", subject),
        ("client_id", "gateway"), ("client_secret", Site.GatewaySecret))).Answer.GetProperty("access_token").GetString()!;

    private async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(string path, params (string, string)[] form)
    {
        using HttpClient program = clients.Site.Program();
        using HttpResponseMessage response = await program.PostAsync(path, Form(form));
        string body = await response.Content.ReadAsStringAsync();
        if (path != Revoke || body.Length > 0) Assert.True(response.Headers.CacheControl!.NoStore);
        return (response.StatusCode, body.Length == 0 ? default : JsonDocument.Parse(body).RootElement);
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private string Assertion(
        string issuer = "signer", string subject = "signer", string audience = Site.Issuer, DateTime? expires = null, DateTime? notBefore = null,
        string? id = null, SecurityKey? key = null, string algorithm = "ES256")
    {
        var handler = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false };
        var claims = new List<Claim> { new("sub", subject) };
        if (id != "") claims.Add(new Claim("jti", id ?? Guid.CreateVersion7().ToString()));
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            Subject = new ClaimsIdentity(claims),
            IssuedAt = DateTime.UtcNow,
            NotBefore = notBefore,
            Expires = expires == DateTime.MinValue ? null : expires ?? DateTime.UtcNow.AddMinutes(1),
            SigningCredentials = new SigningCredentials(key ?? new ECDsaSecurityKey(clients.Key), algorithm),
        });
    }

    /// <summary>A site with a client that signs, one for audit, and one of another org.</summary>
    public sealed class Clients(Servers servers) : IAsyncLifetime
    {
        public const string OtherSecret = "a secret of an auditor: 0123456789 abcdef";

        public Site Site { get; private set; } = null!;

        public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public RSA Rsa { get; } = RSA.Create(2048);

        public async Task InitializeAsync()
        {
            JsonWebKey rsa = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(Rsa.ExportParameters(includePrivateParameters: false)));
            Site = await Site.StartAsync(servers, new Dictionary<string, string>
            {
                ["Identity__Clients__1__Id"] = "signer",
                ["Identity__Clients__1__PublicKeys__0"] = Key.ExportSubjectPublicKeyInfoPem(),
                ["Identity__Clients__1__Jwks"] = JsonSerializer.Serialize(new { keys = new[] { new { kty = "RSA", n = rsa.N, e = rsa.E, use = "sig", alg = "RS256" } } }),
                ["Identity__Clients__1__Scopes"] = "usage.write",
                ["Identity__Clients__1__Audience"] = "usage",
                ["Identity__Clients__2__Id"] = "auditor",
                ["Identity__Clients__2__Secret"] = OtherSecret,
                ["Identity__Clients__2__Scopes"] = string.Join(' ', HpcBilling.ServiceDefaults.Auth.Policies.Scopes),
                ["Identity__Clients__2__Audience"] = "audit",
                ["Identity__Clients__3__Id"] = "foreigner",
                ["Identity__Clients__3__Secret"] = OtherSecret,
                ["Identity__Clients__3__Scopes"] = "usage.read",
                ["Identity__Clients__3__Audience"] = "usage audit",
                ["Identity__Clients__3__OrgId"] = "01900000-0000-7000-8000-0000000000f9",
            });
        }

        public async Task DisposeAsync()
        {
            await Site.DisposeAsync();
            Key.Dispose();
            Rsa.Dispose();
        }
    }
}
