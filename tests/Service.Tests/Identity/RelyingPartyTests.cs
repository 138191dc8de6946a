using System.Security.Cryptography;
using System.Text.Json;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>A client library that nobody here wrote uses every endpoint that the discovery document names, through the gateway.</summary>
[Collection(nameof(Servers))]
public sealed class RelyingPartyTests(Servers servers)
{
    private const string Scope = "usage.write";

    [NodeFact]
    [Trait("Control", "AUTH-07")]
    [Trait("Control", "AUTH-10")]
    public async Task A_certified_client_gets_checks_introspects_and_revokes_tokens_in_every_advertised_way()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>
        {
            [Site.IssuerIsTheDoor] = "yes",
            ["Identity__Clients__1__Id"] = "signer",
            ["Identity__Clients__1__PublicKeys__0"] = ec.ExportSubjectPublicKeyInfoPem(),
            ["Identity__Clients__1__PublicKeys__1"] = rsa.ExportSubjectPublicKeyInfoPem(),
            ["Identity__Clients__1__Scopes"] = Scope,
            ["Identity__Clients__1__Audience"] = "usage",
        });
        string issuer = site.Gateway.SecureAddress!.GetLeftPart(UriPartial.Authority);
        var orders = new
        {
            issuer,
            scope = Scope,
            audience = "usage",
            secretClient = new { id = "collector", secret = Site.MachineSecret },
            signingClients = new[]
            {
                new { id = "signer", algorithm = "ES256", pkcs8 = Convert.ToBase64String(ec.ExportPkcs8PrivateKey()) },
                new { id = "signer", algorithm = "RS256", pkcs8 = Convert.ToBase64String(rsa.ExportPkcs8PrivateKey()) },
            },
            personalAccessToken = Site.DemoToken,
        };
        JsonElement seen = JsonDocument.Parse(await NodeScripts.RunAsync("relying-party.mjs", JsonSerializer.Serialize(orders), site.CertificateFile)).RootElement;

        Assert.True(seen.GetProperty("documentsAgree").GetBoolean());
        using HttpClient program = site.Program();
        JsonElement metadata = JsonDocument.Parse(await program.GetStringAsync("/.well-known/openid-configuration")).RootElement;
        string[] advertised =
        [
            .. Texts(metadata, "token_endpoint_auth_methods_supported").Where(method => method != "private_key_jwt"),
            .. Texts(metadata, "token_endpoint_auth_signing_alg_values_supported").Select(algorithm => "private_key_jwt " + algorithm),
        ];
        Assert.Equal(advertised.Order(), seen.GetProperty("ways").EnumerateObject().Select(way => way.Name).Order());
        foreach (JsonProperty way in seen.GetProperty("ways").EnumerateObject())
        {
            Assert.Equal(Scope, way.Value.GetProperty("scope").GetString());
            Assert.True(way.Value.GetProperty("active").GetBoolean());
            Assert.Equal(Scope, way.Value.GetProperty("introspectedScope").GetString());
            Assert.Equal("""{"active":false}""", way.Value.GetProperty("afterRevocation").GetRawText());
        }

        Assert.Equal("""{"active":false}""", seen.GetProperty("unknownToken").GetRawText());
        Assert.Equal("admin", seen.GetProperty("userinfo").GetProperty("preferred_username").GetString());
        Assert.Equal(Texts(metadata, "claims_supported").Order(), seen.GetProperty("userinfo").EnumerateObject().Select(claim => claim.Name).Order());
        JsonElement refusals = seen.GetProperty("refusals");
        Assert.Contains("401", refusals.GetProperty("wrongSecret").GetString());
        Assert.Equal("400 invalid_scope", refusals.GetProperty("wrongScope").GetString());
        Assert.Contains("401", refusals.GetProperty("wrongSecretAtIntrospection").GetString());
    }

    private static string[] Texts(JsonElement metadata, string member) => [.. metadata.GetProperty(member).EnumerateArray().Select(item => item.GetString()!)];
}
