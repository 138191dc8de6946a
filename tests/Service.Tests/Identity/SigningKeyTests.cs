using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HpcBilling.Service.Tests.Cli;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>Keys rotate while two replicas of identity sign and another process checks with a key cache of its own.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "SEC-03")]
[Trait("Control", "AUTH-07")]
public sealed class SigningKeyTests(Servers servers)
{
    private const string PatType = "urn:hpcbilling:token-type:pat";

    private static readonly Dictionary<string, string> Quick = new(StringComparer.Ordinal)
    {
        ["Identity__KeyPublishSeconds"] = "6",
        ["Identity__KeyPollSeconds"] = "1",
        ["Identity__AccessTokenSeconds"] = "30",
        ["Auth__ClockSkewSeconds"] = "0",
    };

    [Fact]
    public async Task A_rotation_refuses_no_request_and_ends_with_one_key()
    {
        await using Site site = await Site.StartAsync(servers, Quick);
        await using RunningService replica = site.Identity.Replica();
        await replica.StartAsync();
        await using RunningService probe = await ProbeAsync(site, refreshSeconds: 2);
        using Hpcb hpcb = Cli(site);

        using var stop = new CancellationTokenSource();
        var answers = new ConcurrentQueue<(string KeyId, HttpStatusCode Status)>();
        Task[] streams = [StreamAsync(site.Identity, probe, answers, stop.Token), StreamAsync(replica, probe, answers, stop.Token)];
        string first = (await KeysAsync(hpcb)).Single().KeyId;
        Assert.Equal(0, (await hpcb.RunAsync("keys", "rotate")).ExitCode);

        // Published at once, by both replicas; signing is still the first's.
        await Wait.UntilAsync("both replicas publish both keys", async () => await PublishedAsync(site.Identity) == 2 && await PublishedAsync(replica) == 2, seconds: 5);
        Assert.Equal(["published", "signing"], (await KeysAsync(hpcb)).Select(key => key.State));
        Assert.Equal(1, (await hpcb.RunAsync("keys", "rotate")).ExitCode); // one at a time

        await Wait.UntilAsync("the second key signs", async () => (await KeysAsync(hpcb))[0].State == "signing", seconds: 20);
        Assert.Equal("retiring", (await KeysAsync(hpcb))[1].State);
        await Wait.UntilAsync("the first key is gone", async () => await PublishedAsync(site.Identity) == 1 && await PublishedAsync(replica) == 1, seconds: 60);
        await stop.CancelAsync();
        await Task.WhenAll(streams);

        string second = (await KeysAsync(hpcb))[0].KeyId;
        Assert.DoesNotContain(answers, answer => answer.Status != HttpStatusCode.OK);
        Assert.Equal(new[] { first, second }.Order(), answers.Select(answer => answer.KeyId).Distinct().Order());
        Assert.True(answers.Count > 100, $"only {answers.Count} requests");
        await Wait.UntilAsync("the first key's private half is erased", async () => await site.Identity.ScalarAsync<bool>(
            "SELECT private_key IS NULL FROM signing_keys WHERE key_id = @First", new { First = first }), seconds: 10);

        // A restart with the first key still configured does not bring it back.
        await replica.RestartAsync();
        Assert.Equal(1, await PublishedAsync(replica));
        Assert.Contains(await site.ActsAsync(), act => act.Action == "signing_key.rotated" && act.Subject == "signing_key:" + second);
    }

    [Fact]
    public async Task A_key_that_somebody_knows_is_dropped_at_once()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>(Quick) { ["Identity__KeyPublishSeconds"] = "600" });
        await using RunningService replica = site.Identity.Replica();
        await replica.StartAsync();
        await using RunningService probe = await ProbeAsync(site, refreshSeconds: 1);
        using Hpcb hpcb = Cli(site);
        string stolen = await TokenAsync(site.Identity);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, stolen));
        Assert.Equal(0, (await hpcb.RunAsync("keys", "rotate")).ExitCode); // one that is only published is dropped as well

        Assert.Equal(0, (await hpcb.RunAsync("keys", "rotate", "--now")).ExitCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(site.Identity, stolen, "/connect/userinfo"));
        await Wait.UntilAsync("the service refuses the dropped key", async () => await AskAsync(probe, stolen) == HttpStatusCode.Unauthorized, seconds: 10);
        await Wait.UntilAsync("the service takes the new key", async () => await AskAsync(probe, await TokenAsync(replica)) == HttpStatusCode.OK, seconds: 10);
        Assert.Equal(1, await PublishedAsync(site.Identity));
        Assert.Equal(["signing", "retired", "retired"], (await KeysAsync(hpcb)).Select(key => key.State));
        Assert.Equal(0, await site.Identity.ScalarAsync<long>("SELECT count(*) FROM signing_keys WHERE retires_at IS NOT NULL AND private_key IS NOT NULL"));
    }

    [Fact]
    public async Task Made_up_key_ids_do_not_hammer_identity()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        await using RunningService probe = await ProbeAsync(site, refreshSeconds: 300);
        string genuine = await TokenAsync(site.Identity);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, genuine));
        int before = Fetches(site.Identity);
        long began = System.Diagnostics.Stopwatch.GetTimestamp();

        string[] forged = [.. Enumerable.Range(0, 500).Select(number => WithKeyId(genuine, $"made-up-{number}"))];
        await Parallel.ForEachAsync(forged, async (token, _) => Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(probe, token)));
        double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds;

        // The first asks at once, then one in ten seconds.
        Assert.InRange(Fetches(site.Identity) - before, 1, 2 + (int)(seconds / 10));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, genuine));
    }

    [Fact]
    public async Task Whoever_keeps_the_keys_has_a_new_one_well_before_it_signs()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        using HttpClient client = site.Program();
        foreach (string document in new[] { "/.well-known/jwks.json", "/.well-known/openid-configuration" })
        {
            using HttpResponseMessage answer = await client.GetAsync(document);
            Assert.Equal("public, max-age=300", answer.Headers.CacheControl!.ToString());
        }

        using Hpcb hpcb = Cli(site);
        Key[] keys = await KeysAsync(hpcb, "rotate");
        Assert.Equal(600, (keys[0].SignsFrom - keys[0].CreatedAt).TotalSeconds, 1.0);

        // Five minutes of the last token, ten seconds of clocks, two of a replica's delay.
        Assert.Equal(312, (keys[1].RetiresAt!.Value - keys[0].SignsFrom).TotalSeconds, 1.0);
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task Only_an_admin_of_the_site_with_the_scope_rotates()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        string weak = await AddTokenAsync(site.Identity, "default", "admin", ["users.write"]);
        string user = await AddTokenAsync(site.Identity, "default", "alice", ["usage.read"]);
        string foreign = await AddTokenAsync(site.Identity, "physics", "boss", ["keys.write"]);
        foreach (string token in new[] { weak, user, foreign })
        {
            using HttpClient program = site.Program(token);
            Assert.Equal(HttpStatusCode.Forbidden, (await program.PostAsJsonAsync("/api/v1/signing-keys", new { now = true })).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await program.GetAsync("/api/v1/signing-keys")).StatusCode);
        }

        using HttpClient nobody = site.Program();
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.PostAsJsonAsync("/api/v1/signing-keys", new { now = true })).StatusCode);
        Assert.Equal(1, await PublishedAsync(site.Identity));
    }

    [Fact]
    public async Task The_private_half_is_protected_and_follows_a_new_master_key()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        byte[] secret = site.SigningKey.ExportParameters(includePrivateParameters: true).D!;
        byte[] before = await site.Identity.ScalarAsync<byte[]>("SELECT private_key FROM signing_keys");
        Assert.True(before.AsSpan().IndexOf(secret) < 0);

        string old = site.Identity.Settings["DataProtection__MasterKey"];
        site.Identity.Settings["DataProtection__MasterKey"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(site.Identity.RestartAsync);
        Assert.Contains("DataProtection:MasterKeyPrevious", refused.Message);

        site.Identity.Settings["DataProtection__MasterKeyPrevious"] = old;
        await site.Identity.StartAsync();
        site.Identity.Settings.Remove("DataProtection__MasterKeyPrevious");
        await site.Identity.RestartAsync(); // the key was protected again with the new one
        Assert.NotEqual(before, await site.Identity.ScalarAsync<byte[]>("SELECT private_key FROM signing_keys"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(site.Identity, await TokenAsync(site.Identity), "/connect/userinfo"));
    }

    private async Task<RunningService> ProbeAsync(Site site, int refreshSeconds) => await servers.StartServiceAsync("MessagingProbe", new Dictionary<string, string>
    {
        ["Auth__Issuer"] = Site.Issuer,
        ["Auth__MetadataAddress"] = new Uri(site.Identity.Address, "/.well-known/openid-configuration").ToString(),
        ["Auth__Audience"] = "usage",
        ["Auth__KeyRefreshSeconds"] = $"{refreshSeconds}",
    });

    private static Hpcb Cli(Site site) => new()
    {
        Environment = { ["HPCB_URL"] = site.Gateway.SecureAddress!.ToString(), ["HPCB_TOKEN"] = Site.DemoToken, ["SSL_CERT_FILE"] = site.CertificateFile },
    };

    // Fresh tokens one after another, each asked with again until shortly before its end.
    private static async Task StreamAsync(
        RunningService identity, RunningService probe, ConcurrentQueue<(string KeyId, HttpStatusCode Status)> answers, CancellationToken stop)
    {
        var held = new Queue<(string Token, DateTime End)>();
        while (!stop.IsCancellationRequested)
        {
            string token = await TokenAsync(identity);
            held.Enqueue((token, new JsonWebToken(token).ValidTo.AddSeconds(-2)));
            while (held.Peek().End < DateTime.UtcNow) held.Dequeue();
            foreach (string each in new[] { token, held.Peek().Token }) answers.Enqueue((new JsonWebToken(each).Kid, await AskAsync(probe, each)));
            await Task.Delay(TimeSpan.FromMilliseconds(200), CancellationToken.None); // a stream, not a flood
        }
    }

    private static async Task<string> TokenAsync(RunningService identity)
    {
        using HttpClient client = identity.Client(null);
        client.DefaultRequestHeaders.Authorization =
            new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("gateway:" + Uri.EscapeDataString(Site.GatewaySecret))));
        using HttpResponseMessage answer = await client.PostAsync("/connect/token", new FormUrlEncodedContent(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), new("subject_token_type", PatType), new("subject_token", Site.DemoToken),
        ]));
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString()!;
    }

    private static async Task<HttpStatusCode> AskAsync(RunningService service, string token, string path = "/whoami")
    {
        using HttpClient client = service.Client(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using HttpResponseMessage answer = await client.GetAsync(path);
        return answer.StatusCode;
    }

    private static async Task<int> PublishedAsync(RunningService identity)
    {
        using HttpClient client = identity.Client(null);
        return new JsonWebKeySet(await client.GetStringAsync("/.well-known/jwks.json")).Keys.Count;
    }

    private static async Task<Key[]> KeysAsync(Hpcb hpcb, string? first = null)
    {
        if (first is not null) Assert.Equal(0, (await hpcb.RunAsync("keys", first)).ExitCode);
        Hpcb.Outcome outcome = await hpcb.RunAsync("keys", "list", "--json");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return JsonDocument.Parse(outcome.Output).RootElement.GetProperty("items").Deserialize<Key[]>(JsonSerializerOptions.Web)!;
    }

    private static int Fetches(RunningService identity) =>
        identity.Log.Split('\n').Count(line => line.Contains("/.well-known/jwks.json", StringComparison.Ordinal));

    private static string WithKeyId(string token, string keyId)
    {
        string[] parts = token.Split('.');
        return $"{Base64UrlEncoder.Encode($$"""{"alg":"ES256","typ":"at+jwt","kid":"{{keyId}}"}""")}.{parts[1]}.{parts[2]}";
    }

    /// <summary>A personal access token of an account that is made when there is none.</summary>
    private static async Task<string> AddTokenAsync(RunningService identity, string org, string username, string[] scopes)
    {
        string secret = "hpcb_" + Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32));
        await identity.ExecuteAsync(
            """
            INSERT INTO orgs (org_id, slug, name) VALUES (@NewOrg, @Org, @Org) ON CONFLICT (slug) DO NOTHING;
            INSERT INTO users (user_id, org_id, username, role, password_hash, password_changed_at, created_at)
            SELECT @Id, org_id, @Username, 'admin', 'x', now(), now() FROM orgs WHERE slug = @Org ON CONFLICT (org_id, username) DO NOTHING;
            INSERT INTO access_tokens (token_id, org_id, user_id, name, secret_hash, scopes, created_at, expires_at)
            SELECT @Id, org_id, user_id, 'test', @Hash, @Scopes, now(), now() + interval '1 day' FROM users JOIN orgs USING (org_id) WHERE slug = @Org AND username = @Username;
            """,
            new { NewOrg = Guid.CreateVersion7(), Id = Guid.CreateVersion7(), Org = org, Username = username, Scopes = scopes, Hash = SHA256.HashData(Encoding.UTF8.GetBytes(secret)) });
        return secret;
    }

    private sealed record Key(string KeyId, string State, DateTimeOffset CreatedAt, DateTimeOffset SignsFrom, DateTimeOffset? RetiresAt);
}
