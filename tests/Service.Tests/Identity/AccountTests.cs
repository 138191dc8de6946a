using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Npgsql;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
public sealed class AccountTests(Servers servers, Site site) : IClassFixture<Site>
{
    private const uint Iterations = 210_000;

    [Theory]
    [Trait("Control", "AUTH-01")]
    [InlineData("UPDATE users SET role = 'root' WHERE username = 'alice'")]
    [InlineData("UPDATE users SET status = 'asleep' WHERE username = 'alice'")]
    [InlineData("UPDATE users SET username = '-alice' WHERE username = 'alice'")]
    public async Task The_database_refuses_what_no_account_can_be(string sql)
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() => site.Identity.ExecuteAsync(sql));
        Assert.Equal(PostgresErrorCodes.CheckViolation, refused.SqlState);
    }

    [Fact]
    [Trait("Control", "AUTH-01")]
    public async Task A_hash_of_lower_cost_is_replaced_at_the_next_sign_in()
    {
        var cheap = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = 10_000 }));
        await site.Identity.ExecuteAsync(
            "UPDATE users SET password_hash = @Hash WHERE username = 'dave'", new { Hash = cheap.HashPassword(new object(), "an old password") });
        using Browser browser = site.Browser();
        using HttpResponseMessage answer = await browser.SignInAsync("dave", "an old password");

        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Equal(Iterations, await IterationsAsync("dave"));
        using Browser again = site.Browser();
        Assert.Equal(HttpStatusCode.SeeOther, (await again.SignInAsync("dave", "an old password")).StatusCode);
    }

    [Fact]
    [Trait("Control", "AUTH-01")]
    public async Task Equal_passwords_have_different_hashes_of_the_stated_cost()
    {
        IReadOnlyList<string> hashes = await site.Identity.QueryAsync<string>("SELECT password_hash FROM users WHERE username IN ('alice', 'bob')");
        Assert.Equal(2, hashes.Distinct().Count());
        Assert.Equal(Iterations, await IterationsAsync("alice"));
    }

    [Fact]
    [Trait("Control", "AUTH-01")]
    [Trait("Control", "AUD-06")]
    public async Task No_password_token_or_session_reaches_a_log_or_an_event()
    {
        const string Wrong = "a-wrong-password-7391";
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("carol", Wrong)) { }
        using (await browser.SignInAsync("carol", Site.DemoPassword)) { }
        using HttpClient program = site.Program(Site.DemoToken);
        using (await program.GetAsync("/api/v1/users")) { }

        string events = string.Join('\n', await site.Identity.QueryAsync<string>("SELECT body::text FROM outbox"));
        foreach (string secret in new[] { Wrong, Site.DemoPassword, Site.AdminPassword, Site.DemoToken, browser.Session!, Site.GatewaySecret })
        {
            Assert.DoesNotContain(secret, site.Identity.Log);
            Assert.DoesNotContain(secret, site.Gateway.Log);
            Assert.DoesNotContain(secret, events);
        }

        Assert.Contains("login.success", events);
        Assert.Contains("/connect/token", site.Identity.Log);
    }

    [Fact]
    public async Task A_new_password_takes_effect_and_ends_the_other_sessions()
    {
        const string Fresh = "seven quiet rivers";
        using HttpClient admin = site.Program(Site.DemoToken);
        using (await admin.PostAsJsonAsync("/api/v1/users", new { username = "erin", password = "quite a long sentence" })) { }
        using Browser here = site.Browser();
        using Browser there = site.Browser();
        using (await here.SignInAsync("erin", "quite a long sentence")) { }
        using (await there.SignInAsync("erin", "quite a long sentence")) { }

        Assert.Contains("at least 12", await ChangeAsync(here, "quite a long sentence", "short"));
        Assert.Contains("not the current password", await ChangeAsync(here, "a wrong one", Fresh));
        Assert.Contains("password is changed", await ChangeAsync(here, "quite a long sentence", Fresh));

        Assert.Contains(">erin<", await here.TextAsync("/account"));
        await Wait.UntilAsync("the other session ends", async () => (await there.GetAsync("/account")).StatusCode == HttpStatusCode.SeeOther, seconds: 10);
        Assert.Equal(HttpStatusCode.OK, (await there.SignInAsync("erin", "quite a long sentence")).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await there.SignInAsync("erin", Fresh)).StatusCode);
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "password.changed", Subject: "user:erin" });
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task An_admin_manages_accounts_and_a_user_does_not()
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        using HttpResponseMessage created = await admin.PostAsJsonAsync("/api/v1/users", new { username = "frank", password = "quite a long sentence" });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        JsonElement frank = await created.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(("user", "active"), (frank.GetProperty("role").GetString(), frank.GetProperty("status").GetString()));
        Assert.Equal(HttpStatusCode.Conflict, (await admin.PostAsJsonAsync("/api/v1/users", new { username = "frank", password = "quite a long sentence" })).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.PostAsJsonAsync("/api/v1/users", new { username = "g", password = "short" })).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.PostAsJsonAsync("/api/v1/users", new { username = "a b", password = "quite a long sentence" })).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await admin.PostAsJsonAsync("/api/v1/users", new { username = "h", password = "quite a long sentence", role = "root" })).StatusCode);

        using Browser browser = site.Browser();
        using (await browser.SignInAsync("frank", "quite a long sentence")) { }
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.GetAsync("/api/v1/users")).StatusCode);
        using (await admin.PatchAsJsonAsync($"/api/v1/users/{frank.GetProperty("id")}", new { status = "disabled" })) { }
        await Wait.UntilAsync("the session ends", async () => (await browser.GetAsync("/account")).StatusCode == HttpStatusCode.SeeOther, seconds: 10);
        Assert.Equal(HttpStatusCode.OK, (await browser.SignInAsync("frank", "quite a long sentence")).StatusCode);
        JsonElement list = await admin.GetFromJsonAsync<JsonElement>("/api/v1/users");
        Assert.Contains(list.GetProperty("items").EnumerateArray(), user => user.GetProperty("username").GetString() == "frank" && user.GetProperty("status").GetString() == "disabled");
        Assert.Contains(await site.ActsAsync(), act => act is { Action: "user.disabled", Subject: "user:frank" });
    }

    [Fact]
    public async Task The_last_admin_stays_also_when_two_remove_each_other_at_once()
    {
        await using RunningService fresh = await servers.StartServiceAsync("Identity", new Dictionary<string, string>(site.Identity.Settings.Where(Unbound)));
        await fresh.ExecuteAsync("""
            INSERT INTO users (user_id, org_id, username, role, password_hash, password_changed_at, created_at)
            SELECT gen_random_uuid(), org_id, 'second', 'admin', '-', now(), now() FROM orgs
            """);
        IReadOnlyList<Guid> admins = await fresh.QueryAsync<Guid>("SELECT user_id FROM users WHERE role = 'admin'");
        using HttpClient client = await AdminOfAsync(fresh);
        HttpResponseMessage[] answers = await Task.WhenAll(admins.Select(id => client.PatchAsJsonAsync($"/api/v1/users/{id}", new { role = "user" })));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict], answers.Select(answer => answer.StatusCode).Order());
        Assert.Equal(1, await fresh.ScalarAsync<long>("SELECT count(*) FROM users WHERE role = 'admin'"));
    }

    [Fact]
    [Trait("Control", "AUTH-06")]
    public async Task Outside_development_there_is_an_admin_and_no_demo()
    {
        await using RunningService production = await servers.StartServiceAsync("Identity", new Dictionary<string, string>(site.Identity.Settings.Where(Unbound))
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
        });
        Assert.Equal(["admin"], await production.QueryAsync<string>("SELECT username FROM users"));
        Assert.Equal(0, await production.ScalarAsync<long>("SELECT count(*) FROM access_tokens"));

        string hash = await production.ScalarAsync<string>("SELECT password_hash FROM users");
        production.Settings["Identity__AdminPassword"] = "another one, long enough";
        await production.RestartAsync();
        Assert.Equal(hash, await production.ScalarAsync<string>("SELECT password_hash FROM users"));
    }

    [Theory]
    [Trait("Control", "SEC-01")]
    [InlineData("Identity__AdminPassword", "Identity:AdminPassword")]
    [InlineData("Identity__SigningKey", "Identity:SigningKey")]
    [InlineData("Identity__GatewayClientSecret", "Identity:GatewayClientSecret")]
    [InlineData("DataProtection__MasterKey", "DataProtection:MasterKey")]
    public async Task Without_a_secret_it_does_not_start_and_says_which(string setting, string named)
    {
        var settings = new Dictionary<string, string>(site.Identity.Settings.Where(Unbound));
        RunningService complete = await servers.PrepareServiceAsync("Identity", settings);
        complete.Settings.Remove(setting);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(complete.StartAsync);
        Assert.Contains(named, failure.Message);
    }

    private async Task<HttpClient> AdminOfAsync(RunningService identity)
    {
        using HttpClient exchange = identity.Client(null);
        exchange.DefaultRequestHeaders.Authorization =
            new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("gateway:" + Uri.EscapeDataString(Site.GatewaySecret))));
        using HttpResponseMessage answer = await exchange.PostAsync("/connect/token", new FormUrlEncodedContent(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            new("subject_token_type", "urn:hpcbilling:token-type:pat"),
            new("subject_token", Site.DemoToken),
        ]));
        HttpClient client = identity.Client(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString());
        return client;
    }

    // Everything but what ties the settings to one database, broker and address.
    private static bool Unbound(KeyValuePair<string, string> setting) =>
        !setting.Key.StartsWith("ConnectionStrings", StringComparison.Ordinal) && setting.Key != "ASPNETCORE_URLS";

    private static async Task<string> ChangeAsync(Browser browser, string current, string replacement)
    {
        using HttpResponseMessage answer = await browser.PostAsync(
            "/account", "/account?handler=Password", ("CurrentPassword", current), ("NewPassword", replacement));
        return await answer.Content.ReadAsStringAsync();
    }

    // Version 3 of the framework's format: marker, PRF, iterations, salt length, salt, key.
    private async Task<uint> IterationsAsync(string username)
    {
        byte[] hash = Convert.FromBase64String(await site.Identity.ScalarAsync<string>(
            "SELECT password_hash FROM users WHERE username = @Username", new { Username = username }));
        return BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(5));
    }
}
