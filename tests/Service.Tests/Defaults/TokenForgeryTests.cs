using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Defaults;

/// <summary>What a forger could try against a service: everything is 401, and nothing of it is an error of ours.</summary>
[Collection(nameof(Servers))]
public sealed class TokenForgeryTests(Servers servers)
{
    private const string Header = """{"alg":"ES256","typ":"at+jwt","kid":"test"}""";
    private const int Mutations = 10_000;
    private const int Seed = 20_261_122;
    private static readonly string[] Loud = ["\"level\":\"ERROR\"", "\"level\":\"WARNING\"", "Exception"];

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task A_token_altered_in_any_header_or_claim_is_refused()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        string good = servers.Issuer.Sign(Header, Payload());
        Assert.Equal(HttpStatusCode.OK, await GetAsync(client, good));

        string[] parts = good.Split('.');
        var forged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in JsonNode.Parse(Header)!.AsObject().Select(member => member.Key))
        {
            forged[$"header {name} changed"] = $"{Encode(With(Header, name, "other"))}.{parts[1]}.{parts[2]}";
            forged[$"header {name} missing"] = $"{Encode(With(Header, name, null))}.{parts[1]}.{parts[2]}";
        }

        foreach (string name in JsonNode.Parse(Payload())!.AsObject().Select(member => member.Key))
        {
            forged[$"claim {name} changed"] = $"{parts[0]}.{Encode(With(Payload(), name, "other"))}.{parts[2]}";
            forged[$"claim {name} missing"] = $"{parts[0]}.{Encode(With(Payload(), name, null))}.{parts[2]}";
        }

        foreach ((string name, JsonNode value) in new (string, JsonNode)[] { ("role", "admin"), ("scope", "users.write"), ("aud", "audit"), ("exp", 9_999_999_999) })
            forged[$"claim {name} widened"] = $"{parts[0]}.{Encode(With(Payload(), name, value))}.{parts[2]}";
        await ExpectRefusedAsync(probe, client, forged);
    }

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task A_genuine_signature_under_wrong_claims_is_refused()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var wrong = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["expired"] = Signed("exp", now - 60),
            ["without an end"] = Signed("exp", null),
            ["an end that is a text"] = Signed("exp", "tomorrow"),
            ["not yet valid"] = Signed("nbf", now + 120),
            ["other audience"] = Signed("aud", "rating"),
            ["no audience"] = Signed("aud", null),
            ["audiences without ours"] = Signed("aud", new JsonArray("rating", "probe2", "Probe")),
            ["other issuer"] = Signed("iss", "https://elsewhere.example.org"),
            ["issuer with a slash more"] = Signed("iss", servers.Issuer.Issuer + "/"),
            ["no issuer"] = Signed("iss", null),
            ["typ JWT"] = servers.Issuer.Sign(With(Header, "typ", "JWT"), Payload()),
            ["typ of an ID token"] = servers.Issuer.Sign(With(Header, "typ", "id+jwt"), Payload()),
            ["typ of a client assertion"] = servers.Issuer.Sign(With(Header, "typ", "client-authentication+jwt"), Payload()),
            ["no typ"] = servers.Issuer.Sign(With(Header, "typ", null), Payload()),
            ["unknown kid"] = servers.Issuer.Sign(With(Header, "kid", "unknown"), Payload()),
            ["no kid"] = servers.Issuer.Sign(With(Header, "kid", null), Payload()),
            ["an algorithm with another curve's name"] = servers.Issuer.Sign(With(Header, "alg", "ES512"), Payload()),
        };
        await ExpectRefusedAsync(probe, client, wrong);
    }

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task No_signature_and_a_signature_by_another_key_are_refused_whatever_the_header_says()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        using ECDsa mallory = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA malloryRsa = RSA.Create(2048);
        using ECDsa known = servers.Issuer.PublicKey();
        string jwks = await new HttpClient().GetStringAsync(servers.Issuer.Issuer + "/jwks");
        string jwk = JsonDocument.Parse(jwks).RootElement.GetProperty("keys")[0].GetRawText();
        JsonObject own = JsonSerializer.SerializeToNode(Jwk(mallory))!.AsObject();
        var certificate = new CertificateRequest("CN=mallory", mallory, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));

        var forged = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["a stranger's key under the known kid"] = Forge(Header, mallory),
            ["unknown kid"] = Forge(With(Header, "kid", "mallory"), mallory),
            ["no kid"] = Forge(With(Header, "kid", null), mallory),
            ["embedded jwk"] = Forge(With(With(Header, "jwk", own.DeepClone()), "kid", null), mallory),
            ["embedded jwk under the known kid"] = Forge(With(Header, "jwk", own.DeepClone()), mallory),
            ["jku"] = Forge(With(With(Header, "jku", probe.Address + "jwks"), "kid", "mallory"), mallory),
            ["x5u"] = Forge(With(With(Header, "x5u", probe.Address + "x5u"), "kid", "mallory"), mallory),
            ["x5c"] = Forge(With(With(Header, "x5c", new JsonArray(Convert.ToBase64String(certificate.RawData))), "kid", null), mallory),
            ["RS256 by a stranger"] = ForgeWith(With(Header, "alg", "RS256"), data => malloryRsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
            ["a signature of zeros"] = ForgeWith(Header, _ => new byte[64]),
            ["a signature in DER"] = ForgeWith(Header, data => mallory.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
        };
        foreach (string none in new[] { "none", "None", "NONE", "nOnE", "" })
        {
            forged[$"alg '{none}' without a signature"] = ForgeWith(With(Header, "alg", none), _ => []);
            forged[$"alg '{none}' with one"] = Forge(With(Header, "alg", none), mallory);
            forged[$"alg '{none}' without typ and kid"] = ForgeWith(With(With(With(Header, "alg", none), "kid", null), "typ", null), _ => []);
        }

        foreach ((string form, byte[] secret) in new (string, byte[])[]
        {
            ("PEM", Encoding.ASCII.GetBytes(known.ExportSubjectPublicKeyInfoPem())), ("PEM and newline", Encoding.ASCII.GetBytes(known.ExportSubjectPublicKeyInfoPem() + "\n")),
            ("DER", known.ExportSubjectPublicKeyInfo()), ("JWK", Encoding.UTF8.GetBytes(jwk)), ("JWKS", Encoding.UTF8.GetBytes(jwks)),
            ("x", Base64UrlEncoder.DecodeBytes(JsonDocument.Parse(jwk).RootElement.GetProperty("x").GetString())), ("nothing", new byte[1]),
        })
        {
            forged[$"HS256 keyed with the public key as {form}"] = ForgeWith(With(Header, "alg", "HS256"), data => HMACSHA256.HashData(secret, data));
            forged[$"HS256 keyed with the public key as {form}, no kid"] =
                ForgeWith(With(With(Header, "alg", "HS256"), "kid", null), data => HMACSHA256.HashData(secret, data));
        }

        await ExpectRefusedAsync(probe, client, forged);
    }

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task Ten_thousand_random_mutations_are_refused_without_an_error_in_the_log()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        string good = servers.Issuer.Sign(Header, Payload());
        Assert.Equal(HttpStatusCode.OK, await GetAsync(client, good));

        var random = new Random(Seed);
        string[] mutants = [.. Enumerable.Range(0, Mutations * 2).Select(_ => Mutate(good, random)).Where(mutant => !IsSame(good, mutant)).Take(Mutations)];
        Assert.Equal(Mutations, mutants.Length);
        var taken = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Parallel.ForEachAsync(mutants, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (mutant, _) =>
        {
            if (await GetAsync(client, mutant) != HttpStatusCode.Unauthorized) taken.Add(mutant);
        });
        Assert.Empty(taken);
        ExpectQuiet(probe);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(client, good));
    }

    [Fact]
    [Trait("Control", "AUTH-07")]
    public async Task What_is_no_token_is_refused()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        string[] parts = servers.Issuer.Sign(Header, Payload()).Split('.');
        string[] texts =
        [
            "", ".", "..", "...", "....", "a.b.c", "e30.e30.", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA", "W10.W10.W10",
            "hpcb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ];
        await ExpectRefusedAsync(probe, client, texts.ToDictionary(text => text));
        await ExpectRefusedAsync(probe, client, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["empty header"] = $".{parts[1]}.{parts[2]}",
            ["empty payload"] = $"{parts[0]}..{parts[2]}",
            ["empty signature"] = $"{parts[0]}.{parts[1]}.",
            ["two parts"] = $"{parts[0]}.{parts[1]}",
            ["five parts"] = $"{parts[0]}.{parts[1]}.{parts[2]}.{parts[1]}.{parts[2]}",
            ["very long"] = $"{parts[0]}.{new string('A', 20_000)}.{parts[2]}",
        });
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task A_machine_client_may_do_what_its_scopes_say_and_is_refused_where_a_person_is_needed()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        string nobody = With(With(With(Payload(), "sub", "collector"), "role", null), "preferred_username", null);
        string machine = servers.Issuer.Sign(Header, With(nobody, "client_id", "collector"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(client, machine, "/writers"));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(client, machine, "/written-by"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(client, machine, "/whoami"));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(client, machine, "/admins"));

        // A token that says neither which program nor which person it stands for: refused, and no fault of ours.
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(client, servers.Issuer.Sign(Header, nobody), "/written-by"));
        ExpectQuiet(probe);
    }

    private string Signed(string claim, JsonNode? value) => servers.Issuer.Sign(Header, With(Payload(), claim, value));

    private string Payload()
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 600 * 600; // the same for the whole test
        return $$"""
            {"iss":"{{servers.Issuer.Issuer}}","aud":"probe","sub":"01900000-0000-7000-8000-0000000000aa","preferred_username":"alice",
            "org_id":"01900000-0000-7000-8000-000000000001","role":"user","scope":"usage.read usage.write","sid":"s","jti":"j",
            "iat":{{now}},"nbf":{{now}},"exp":{{now + 3600}}}
            """;
    }

    private string Forge(string header, ECDsa key) => ForgeWith(header, data => key.SignData(data, HashAlgorithmName.SHA256));

    private string ForgeWith(string header, Func<byte[], byte[]> sign)
    {
        string text = $"{Encode(header)}.{Encode(With(Payload(), "role", "admin"))}";
        return $"{text}.{Base64UrlEncoder.Encode(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    private static object Jwk(ECDsa key)
    {
        JsonWebKey jwk = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(key));
        return new { kty = jwk.Kty, crv = jwk.Crv, x = jwk.X, y = jwk.Y };
    }

    private static string With(string json, string member, JsonNode? value)
    {
        JsonObject changed = JsonNode.Parse(json)!.AsObject();
        if (value is null) changed.Remove(member);
        else changed[member] = value;
        return changed.ToJsonString();
    }

    private static string Mutate(string token, Random random)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/%{}\"'\\ ,;:";
        var text = new StringBuilder(token);
        for (int edits = random.Next(1, 4); edits > 0 && text.Length > 0; edits--)
        {
            int at = random.Next(text.Length);
            char letter = Alphabet[random.Next(Alphabet.Length)];
            switch (random.Next(7))
            {
                case 0: text[at] = letter; break;
                case 1: text.Insert(at, letter); break;
                case 2: text.Remove(at, 1); break;
                case 3: text.Remove(at, Math.Min(random.Next(1, 40), text.Length - at)); break;
                case 4: text[at] = char.IsUpper(text[at]) ? char.ToLowerInvariant(text[at]) : char.ToUpperInvariant(text[at]); break;
                case 5: text.Append(text.ToString(at, Math.Min(20, text.Length - at))); break;
                default:
                    string[] parts = text.ToString().Split('.');
                    random.Shuffle(parts);
                    text.Clear().AppendJoin('.', parts);
                    break;
            }
        }

        return text.ToString();
    }

    // The last letter of 64 bytes in base64url has four bits to spare: another letter there can be the same signature.
    private static bool IsSame(string token, string mutant)
    {
        string[] own = token.Split('.');
        string[] other = mutant.Trim().Split('.');
        if (other.Length != 3 || own[0] != other[0] || own[1] != other[1]) return false;
        try
        {
            return Base64UrlEncoder.DecodeBytes(own[2]).SequenceEqual(Base64UrlEncoder.DecodeBytes(other[2]));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static async Task ExpectRefusedAsync(RunningService probe, HttpClient client, Dictionary<string, string> tokens)
    {
        var taken = new List<string>();
        foreach ((string why, string token) in tokens)
        {
            if (await GetAsync(client, token) is not HttpStatusCode.Unauthorized and var status) taken.Add($"{why}: {status}");
        }

        Assert.Empty(taken);
        ExpectQuiet(probe);
    }

    private static void ExpectQuiet(RunningService probe)
    {
        // A bus that is still connecting is not ready, and says so.
        string loud = string.Join('\n', probe.Log.Split('\n').Where(line => !line.Contains("health_check_name", StringComparison.Ordinal) && Loud.Any(line.Contains)));
        Assert.True(loud.Length == 0, loud);
    }

    private static async Task<HttpStatusCode> GetAsync(HttpClient client, string token, string path = "/whoami")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        Assert.True(request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token));
        using HttpResponseMessage response = await client.SendAsync(request);
        return response.StatusCode;
    }

    private static string Encode(string json) => Base64UrlEncoder.Encode(json);
}
