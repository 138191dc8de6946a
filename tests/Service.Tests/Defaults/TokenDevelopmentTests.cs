using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HpcBilling.Service.Tests.Cli;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Defaults;

/// <summary>Tokens for local use, made by the CLI from a shared secret.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "AUTH-08")]
public sealed class TokenDevelopmentTests(Servers servers)
{
    private static readonly string Secret = new('d', 40);

    [Fact]
    public async Task The_command_line_makes_a_token_that_a_service_in_development_accepts()
    {
        await using RunningService probe = await StartAsync(Secret);
        JsonElement alice = await WhoAsync(probe, await MakeAsync("--user", "alice", "--minutes", "60"));
        Assert.Equal(("alice", false), (alice.GetProperty("username").GetString(), alice.GetProperty("isAdmin").GetBoolean()));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(probe, await MakeAsync("--user", "alice"), "/writers"));

        string admin = await MakeAsync("--user", "root", "--role", "admin", "--org", "01900000-0000-7000-8000-0000000000f1");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, admin, "/writers"));
        Assert.Equal("01900000-0000-7000-8000-0000000000f1", (await WhoAsync(probe, admin)).GetProperty("orgId").GetString());
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, servers.Issuer.Token(TestCaller.User("alice"), "probe"))); // identity's own go on
    }

    [Fact]
    public async Task A_token_that_lives_longer_says_no_beginning_or_is_of_another_secret_is_refused()
    {
        await using RunningService probe = await StartAsync(Secret);
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, Sign(Secret, now, now + 3600)));
        var refused = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["61 minutes"] = Sign(Secret, now, now + 3660),
            ["no iat"] = Sign(Secret, null, now + 600),
            ["expired"] = Sign(Secret, now - 3000, now - 60),
            ["begins tomorrow, ends an hour later"] = Sign(Secret, now + 86_400, now + 90_000, notBefore: now + 86_400),
            ["another secret"] = Sign(new string('e', 40), now, now + 600),
            ["HS512"] = Sign(Secret, now, now + 600, algorithm: "HS512"),
            ["another role"] = Sign(Secret, now, now + 600, role: "root"),
            ["another issuer"] = Sign(Secret, now, now + 600, issuer: servers.Issuer.Issuer),
            ["another audience"] = Sign(Secret, now, now + 600, audience: "probe"),
        };
        foreach ((string why, string token) in refused) Assert.True(await AskAsync(probe, token) == HttpStatusCode.Unauthorized, why);
    }

    [Fact]
    public async Task Without_the_secret_no_such_token_is_accepted()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(probe, await MakeAsync("--user", "alice", "--role", "admin")));
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task A_service_refuses_to_start_with_the_secret_elsewhere(string environment)
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe", new Dictionary<string, string>
        {
            ["Auth__DevelopmentSecret"] = Secret,
            ["DOTNET_ENVIRONMENT"] = environment,
        });
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(probe.StartAsync);
        Assert.Contains($"Auth:DevelopmentSecret is for Development and this is {environment}", refused.Message);
        Assert.DoesNotContain(Secret, refused.Message);
    }

    [Fact]
    public async Task A_short_secret_is_refused_by_both_sides()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe", new Dictionary<string, string> { ["Auth__DevelopmentSecret"] = "short" });
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(probe.StartAsync);
        Assert.Contains("Auth:DevelopmentSecret must have at least 32 bytes", refused.Message);
        using var hpcb = new Hpcb { Environment = { ["HPCB_DEV_SECRET"] = "short" } };
        Hpcb.Outcome outcome = await hpcb.RunAsync("dev-token", "--user", "alice");
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains("HPCB_DEV_SECRET", outcome.Error);
        Assert.Equal(2, (await hpcb.RunAsync("dev-token", "--user", "alice", "--minutes", "61")).ExitCode);
    }

    private Task<RunningService> StartAsync(string secret) =>
        servers.StartServiceAsync("MessagingProbe", new Dictionary<string, string> { ["Auth__DevelopmentSecret"] = secret });

    private static async Task<string> MakeAsync(params string[] arguments)
    {
        using var hpcb = new Hpcb { Environment = { ["HPCB_DEV_SECRET"] = Secret } };
        Hpcb.Outcome outcome = await hpcb.RunAsync(["dev-token", .. arguments]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return Assert.Single(outcome.Output.TrimEnd('\n').Split('\n'));
    }

    private static string Sign(
        string secret, long? issuedAt, long expires, long? notBefore = null, string algorithm = "HS256", string role = "user",
        string issuer = "urn:hpcbilling:development", string audience = "hpcbilling")
    {
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = issuer, ["aud"] = audience, ["sub"] = Guid.CreateVersion7(), ["preferred_username"] = "alice",
            ["org_id"] = HpcBilling.ServiceDefaults.Orgs.Default, ["role"] = role, ["exp"] = expires,
        };
        if (issuedAt is { } at) claims["iat"] = at;
        if (notBefore is { } begin) claims["nbf"] = begin;
        string text = Base64UrlEncoder.Encode($$"""{"alg":"{{algorithm}}","typ":"at+jwt"}""") + "." + Base64UrlEncoder.Encode(JsonSerializer.SerializeToUtf8Bytes(claims));
        byte[] data = Encoding.ASCII.GetBytes(text);
        byte[] key = Encoding.UTF8.GetBytes(secret);
        return text + "." + Base64UrlEncoder.Encode(algorithm == "HS256" ? HMACSHA256.HashData(key, data) : HMACSHA512.HashData(key, data));
    }

    private static async Task<JsonElement> WhoAsync(RunningService probe, string token)
    {
        using HttpClient client = probe.Client(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return await client.GetFromJsonAsync<JsonElement>("/whoami");
    }

    private static async Task<HttpStatusCode> AskAsync(RunningService probe, string token, string path = "/whoami")
    {
        using HttpClient client = probe.Client(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using HttpResponseMessage answer = await client.GetAsync(path);
        return answer.StatusCode;
    }
}
