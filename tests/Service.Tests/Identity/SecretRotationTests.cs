using System.Net;
using System.Security.Cryptography;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using Npgsql;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>The steps of docs/runbooks/secret-rotation.md, one after another. Signing keys: SigningKeyTests; webhook secrets: WebhookTests.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "SEC-03")]
public sealed class SecretRotationTests(Servers servers)
{
    private const string NextSecret = "the next secret of the gateway: 0123456789";

    [Fact]
    public async Task The_gateways_secret_changes_while_people_work()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }

        // 1. Identity takes both.
        site.Identity.Settings["Identity__GatewayClientSecret"] = NextSecret;
        site.Identity.Settings["Identity__GatewayClientSecretPrevious"] = Site.GatewaySecret;
        await site.Identity.RestartAsync();
        site.Gateway.Settings["services__identity__http__0"] = site.Identity.Address.ToString(); // tests give a new port to each start
        await site.Gateway.RestartAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/account")).StatusCode);

        // 2. The gateway says the new one.
        site.Gateway.Settings["Gateway__ClientSecret"] = NextSecret;
        await site.Gateway.RestartAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/account")).StatusCode);

        // 3. The old one is good no more.
        site.Identity.Settings.Remove("Identity__GatewayClientSecretPrevious");
        await site.Identity.RestartAsync();
        site.Gateway.Settings["services__identity__http__0"] = site.Identity.Address.ToString();
        await site.Gateway.RestartAsync();
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/account")).StatusCode);
        site.Gateway.Settings["Gateway__ClientSecret"] = Site.GatewaySecret;
        await site.Gateway.RestartAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.GetAsync("/account")).StatusCode);
    }

    [Fact]
    public async Task The_master_key_changes_and_an_open_form_can_still_be_sent()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        string open = await browser.CsrfAsync("/account");
        string old = site.Identity.Settings["DataProtection__MasterKey"];
        string next = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));

        // 1. Everybody can read what the next key protects; 2. everybody protects with it and reads the old one too.
        foreach ((string current, string other) in new[] { (old, next), (next, old) })
        {
            await RestartAsync(site, current, other);
            using HttpResponseMessage sent = await SendAsync(browser, open);
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        }

        // 3. The old key is gone: a form that was opened with it is refused, and the page opened again works.
        await RestartAsync(site, next, null);
        using (HttpResponseMessage stale = await SendAsync(browser, open)) Assert.Equal(HttpStatusCode.BadRequest, stale.StatusCode);
        using (HttpResponseMessage sent = await SendAsync(browser, await browser.CsrfAsync("/account"))) Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
    }

    [Fact]
    public async Task A_database_password_changes_with_the_migration_and_a_restart()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        string before = probe.Settings["ConnectionStrings__probe"];
        string after = new NpgsqlConnectionStringBuilder(before) { Password = "the-next-password-of-a-test" }.ConnectionString;

        // 1. `migrate` sets the new password; the running service goes on with the connections that it has.
        probe.Settings["ConnectionStrings__probe"] = after;
        await probe.MigrateAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => OpenAsync(before));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
        using HttpClient running = probe.Client(null);
        Assert.Equal(HttpStatusCode.OK, (await running.GetAsync("/readyz")).StatusCode);

        // 2. The restarted service uses it.
        await probe.RestartAsync();
        await OpenAsync(after);
        using HttpClient client = probe.Client(null);
        using HttpResponseMessage said = await client.PostAsync("/say?count=1", null);
        Assert.Equal(HttpStatusCode.NoContent, said.StatusCode);
    }

    private static async Task OpenAsync(string connection)
    {
        await using var opened = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
        await opened.OpenAsync();
    }

    private static async Task RestartAsync(Site site, string masterKey, string? previous)
    {
        foreach (RunningService service in new[] { site.Identity, site.Gateway })
        {
            service.Settings["DataProtection__MasterKey"] = masterKey;
            if (previous is null) service.Settings.Remove("DataProtection__MasterKeyPrevious");
            else service.Settings["DataProtection__MasterKeyPrevious"] = previous;
        }

        await site.Identity.RestartAsync();
        site.Gateway.Settings["services__identity__http__0"] = site.Identity.Address.ToString();
        await site.Gateway.RestartAsync();
    }

    private static Task<HttpResponseMessage> SendAsync(Browser browser, string field) => browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/account?handler=Revoke")
    {
        Content = new FormUrlEncodedContent([new("__csrf", field), new("sessionId", Guid.CreateVersion7().ToString())]),
    });
}
