using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
public sealed partial class AccessTokenTests(Site site) : IClassFixture<Site>
{
    [Fact]
    public async Task A_token_made_on_the_page_is_shown_once_and_works_with_its_scopes_until_it_is_revoked()
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        using HttpResponseMessage made = await browser.PostAsync(
            "/account/tokens", "/account/tokens?handler=Create", ("Name", "laptop"), ("ChosenScopes", "usage.read"), ("Days", "30"));
        string token = Shown.Match(await made.Content.ReadAsStringAsync()).Value;
        Assert.Equal(48, token.Length);
        string page = await browser.TextAsync("/account/tokens");
        Assert.Contains("laptop", page);
        Assert.DoesNotContain(token, page);
        Assert.Equal(0, await site.Identity.ScalarAsync<long>("SELECT count(*) FROM access_tokens t WHERE t::text LIKE '%' || @Token || '%'", new { Token = token[5..] }));

        using HttpClient program = site.Program(token);
        JsonWebToken seen = await SeenByServiceAsync(program);
        Assert.Equal(("alice", "usage.read"), (seen.GetClaim("preferred_username").Value, seen.GetClaim("scope").Value));
        Assert.False(seen.TryGetClaim("sid", out _));
        Assert.NotNull(await site.Identity.ScalarAsync<DateTime?>("SELECT last_used_at FROM access_tokens WHERE name = 'laptop'"));

        string id = await site.Identity.ScalarAsync<string>("SELECT token_id::text FROM access_tokens WHERE name = 'laptop'");
        using (await browser.PostAsync("/account/tokens", "/account/tokens?handler=Revoke", ("tokenId", id))) { }
        await ExpectRefusedAsync(program);
        Assert.Contains(await site.ActsAsync(), act => act.Action == "token.created" && act.Subject == "token:" + id);
        Assert.Contains(await site.ActsAsync(), act => act.Action == "token.revoked" && act.Subject == "token:" + id);
    }

    [Fact]
    public async Task An_expired_token_is_refused_with_401()
    {
        string token = await MakeAsync("bob", "nightly", "usage.read");
        using HttpClient program = site.Program(token);
        await SeenByServiceAsync(program);
        await site.Identity.ExecuteAsync("UPDATE access_tokens SET created_at = now() - interval '2 days', expires_at = now() WHERE name = 'nightly'");
        await ExpectRefusedAsync(program);
    }

    [Theory]
    [InlineData("", 30, "usage.read", "name")]
    [InlineData("x", 0, "usage.read", "days")]
    [InlineData("x", 366, "usage.read", "days")]
    [InlineData("x", 30, "users.write", "scopes")]
    [InlineData("x", 30, "", "scopes")]
    public async Task A_wish_that_cannot_be_granted_names_its_field(string name, int days, string scope, string field)
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync("alice", Site.DemoPassword)) { }
        using HttpResponseMessage answer = await CreateAsync(browser, name, days, scope);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        JsonElement problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _));
    }

    [Fact]
    [Trait("Control", "AUTHZ-01")]
    public async Task A_token_cannot_make_tokens_nor_open_the_account_pages()
    {
        string token = await MakeAsync("carol", "narrow", "usage.read");
        using HttpClient program = site.Program(token);
        using HttpResponseMessage made = await program.PostAsJsonAsync("/api/v1/access-tokens", new { name = "wide", days = 365, scopes = new[] { "receipts.write" } });
        Assert.Equal(HttpStatusCode.Forbidden, made.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await program.GetAsync("/account/tokens")).StatusCode);
        JsonElement list = await program.GetFromJsonAsync<JsonElement>("/api/v1/access-tokens");
        Assert.Equal("narrow", Assert.Single(list.GetProperty("items").EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    [Trait("Control", "AUTHZ-03")]
    public async Task A_strangers_token_is_not_found()
    {
        await MakeAsync("bob", "bobs", "usage.read");
        string id = await site.Identity.ScalarAsync<string>("SELECT token_id::text FROM access_tokens WHERE name = 'bobs'");
        using Browser alice = site.Browser();
        using (await alice.SignInAsync("alice", Site.DemoPassword)) { }
        var request = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/access-tokens/" + id);
        request.Headers.Add("X-CSRF-Token", await alice.CsrfAsync("/account"));
        using HttpResponseMessage answer = await alice.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Null(await site.Identity.ScalarAsync<DateTime?>("SELECT revoked_at FROM access_tokens WHERE name = 'bobs'"));
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task A_demoted_admins_token_keeps_only_what_a_user_may()
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        using HttpResponseMessage created = await admin.PostAsJsonAsync(
            "/api/v1/users", new { username = "deputy", password = "quite a long sentence", role = "admin" });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Guid id = (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
        string token = await MakeAsync("deputy", "both", "usage.read", "users.write", password: "quite a long sentence");
        using HttpClient program = site.Program(token);
        Assert.Equal("usage.read users.write", (await SeenByServiceAsync(program)).GetClaim("scope").Value);

        using (await admin.PatchAsJsonAsync($"/api/v1/users/{id}", new { role = "user" })) { }
        await Wait.UntilAsync("the token loses users.write", async () => (await SeenByServiceAsync(program)).GetClaim("scope").Value == "usage.read", seconds: 10);
        Assert.Equal(HttpStatusCode.Forbidden, (await program.GetAsync("/api/v1/users")).StatusCode);
    }

    [Fact]
    [Trait("Control", "AUTH-06")]
    public async Task The_demo_token_is_the_admins_with_every_scope()
    {
        using HttpClient program = site.Program(Site.DemoToken);
        JsonWebToken seen = await SeenByServiceAsync(program);
        Assert.Equal(("admin", "admin"), (seen.GetClaim("preferred_username").Value, seen.GetClaim("role").Value));
        Assert.Equal(
            ServiceDefaults.Auth.Policies.Scopes.Order(StringComparer.Ordinal), seen.GetClaim("scope").Value.Split(' ').Order(StringComparer.Ordinal));
    }

    private async Task<string> MakeAsync(string username, string name, params string[] scopes) => await MakeAsync(username, name, scopes, Site.DemoPassword);

    private Task<string> MakeAsync(string username, string name, string first, string second, string password) =>
        MakeAsync(username, name, [first, second], password);

    private async Task<string> MakeAsync(string username, string name, string[] scopes, string password)
    {
        using Browser browser = site.Browser();
        using (await browser.SignInAsync(username, password)) { }
        using HttpResponseMessage made = await CreateAsync(browser, name, 30, scopes);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        return (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
    }

    private static async Task<HttpResponseMessage> CreateAsync(Browser browser, string name, int days, params string[] scopes)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/access-tokens")
        {
            Content = JsonContent.Create(new { name, days, scopes = scopes.Where(scope => scope.Length > 0) }),
        };
        request.Headers.Add("X-CSRF-Token", await browser.CsrfAsync("/account"));
        return await browser.SendAsync(request);
    }

    /// <summary>The token that the gateway handed to the service behind it.</summary>
    private static async Task<JsonWebToken> SeenByServiceAsync(HttpClient program)
    {
        Heard heard = (await program.GetFromJsonAsync<Heard>("/api/v1/usage"))!;
        return new JsonWebToken(heard["Authorization"]!["Bearer ".Length..]);
    }

    private static Task ExpectRefusedAsync(HttpClient program) => Wait.UntilAsync("the token is refused", async () =>
    {
        using HttpResponseMessage answer = await program.GetAsync("/api/v1/usage");
        return answer.StatusCode == HttpStatusCode.Unauthorized && answer.Headers.WwwAuthenticate.ToString().Contains("invalid_token", StringComparison.Ordinal);
    }, seconds: 10);

    [GeneratedRegex("hpcb_[A-Za-z0-9_-]{43}", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Shown { get; }
}
