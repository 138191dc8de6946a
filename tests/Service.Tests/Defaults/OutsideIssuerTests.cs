using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Service.Tests.Defaults;

/// <summary>Tokens of OpenID providers that nobody here wrote, at a service that asks nobody but their published keys.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "AUTH-09")]
[Trait("Speed", "slow")]
public sealed class OutsideIssuerTests(Servers servers)
{
    private static readonly Guid Physics = new("01900000-0000-7000-8000-0000000000f1");
    private static readonly Guid Chemistry = new("01900000-0000-7000-8000-0000000000f2");
    private static readonly Guid Elsewhere = new("01900000-0000-7000-8000-0000000000f3");

    private static readonly Dictionary<string, object> People = new(StringComparer.Ordinal)
    {
        ["anna"] = new { preferred_username = "anna", app_metadata = new { org_id = "phys", roles = new[] { "staff", "hpc-admin" } }, org_id = "chem", role = "admin", sid = "theirs" },
        ["ben"] = new Dictionary<string, object> { ["preferred_username"] = "ben", ["https://hpc.example.org/org_id"] = "chem", ["org_id"] = "phys" },
        ["cleo"] = new { preferred_username = "cleo", org_id = "chem" },
        ["dora"] = new { preferred_username = "dora", app_metadata = new { org_id = "elsewhere" }, org_id = "phys" },
        ["emil"] = new { preferred_username = "emil" },
        ["fritz"] = new { preferred_username = "fritz <script>", org_id = "phys" },
        ["gina"] = new { org_id = "phys" },
        ["hugo"] = new { preferred_username = "hugo", org_id = new[] { "phys", "chem" } },
        ["ida"] = new { preferred_username = "ida", org_id = "01900000-0000-7000-8000-0000000000f3" },
    };

    [NodeFact]
    public async Task Org_role_and_scopes_follow_from_the_rules_of_the_issuer()
    {
        await using NodeProvider campus = await NodeProvider.StartAsync(People);
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe", Mapped(0, campus.Issuer));

        JsonElement anna = await WhoAsync(probe, await campus.AccessTokenAsync("anna"));
        Assert.Equal((Physics, "anna", true), (anna.GetProperty("orgId").GetGuid(), anna.GetProperty("username").GetString(), anna.GetProperty("isAdmin").GetBoolean()));
        Assert.Equal(SubjectId.Of(campus.Issuer, "anna"), anna.GetProperty("userId").GetGuid());
        Assert.Equal(JsonValueKind.Null, anna.GetProperty("sessionId").ValueKind); // their session is none of ours
        Assert.Equal(anna.GetRawText(), (await WhoAsync(probe, await campus.AccessTokenAsync("anna"))).GetRawText());

        // The namespaced claim comes before org_id; without a rule that holds one is a user, whatever the token's own role says.
        JsonElement ben = await WhoAsync(probe, await campus.AccessTokenAsync("ben"));
        Assert.Equal((Chemistry, false), (ben.GetProperty("orgId").GetGuid(), ben.GetProperty("isAdmin").GetBoolean()));
        Assert.Equal(Chemistry, (await WhoAsync(probe, await campus.AccessTokenAsync("cleo"))).GetProperty("orgId").GetGuid());

        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, await campus.AccessTokenAsync("anna"), "/writers"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, await campus.AccessTokenAsync("anna"), "/admins"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(probe, await campus.AccessTokenAsync("ben"), "/writers"));

        // A token that names scopes of ours has those alone, of those that its role has.
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(probe, await campus.AccessTokenAsync("anna", "openid usage.read"), "/writers"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, await campus.AccessTokenAsync("anna", "openid usage.read"), "/whoami"));
    }

    [NodeFact]
    public async Task A_token_without_an_allowed_org_or_a_usable_name_is_refused()
    {
        await using NodeProvider campus = await NodeProvider.StartAsync(People);
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe", Mapped(0, campus.Issuer));
        foreach (string person in new[] { "dora", "emil", "fritz", "gina", "hugo", "ida" })
        {
            HttpStatusCode status = await AskAsync(probe, await campus.AccessTokenAsync(person));
            Assert.True(status == HttpStatusCode.Unauthorized, $"{person}: {status}");
        }
    }

    [NodeFact]
    public async Task Several_issuers_stand_side_by_side_and_none_speaks_for_another()
    {
        await using NodeProvider campus = await NodeProvider.StartAsync(People);
        await using NodeProvider institute = await NodeProvider.StartAsync(People);
        await using NodeProvider stranger = await NodeProvider.StartAsync(People);
        Dictionary<string, string> settings = Mapped(0, campus.Issuer);
        settings["Auth__Issuers__1__Authority"] = institute.Issuer;
        settings["Auth__Issuers__1__Audience"] = NodeProvider.Audience;
        settings["Auth__Issuers__1__OrgId"] = Elsewhere.ToString();
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe", settings);

        // The same person of another issuer is somebody else, in the org that this issuer has, and no admin there.
        JsonElement here = await WhoAsync(probe, await campus.AccessTokenAsync("anna"));
        JsonElement there = await WhoAsync(probe, await institute.AccessTokenAsync("anna"));
        Assert.NotEqual(here.GetProperty("userId").GetGuid(), there.GetProperty("userId").GetGuid());
        Assert.Equal((Elsewhere, false), (there.GetProperty("orgId").GetGuid(), there.GetProperty("isAdmin").GetBoolean()));

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(probe, await stranger.AccessTokenAsync("anna")));

        // One issuer's genuine signature under another's name: its keys are not that one's.
        string[] parts = (await institute.AccessTokenAsync("anna")).Split('.');
        string payload = Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Decode(parts[1]).Replace(institute.Issuer, campus.Issuer, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(probe, $"{parts[0]}.{Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode(payload)}.{parts[2]}"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(probe, servers.Issuer.Token(TestCaller.User("alice"), "probe"))); // the site's own go on
    }

    [NodeFact]
    public async Task Audience_type_and_algorithm_are_those_that_the_issuer_was_given()
    {
        await using NodeProvider campus = await NodeProvider.StartAsync(People);
        string token = await campus.AccessTokenAsync("anna");
        foreach ((string key, string value) in new[] { ("Audience", "another site"), ("Types__0", "JWT"), ("Algorithms__0", "RS256") })
        {
            Dictionary<string, string> settings = Mapped(0, campus.Issuer);
            settings["Auth__Issuers__0__" + key] = value;
            await using RunningService probe = await servers.StartServiceAsync("MessagingProbe", settings);
            Assert.True(await AskAsync(probe, token) == HttpStatusCode.Unauthorized, key);
        }
    }

    [Theory]
    [InlineData("Authority", "http://campus.example.org", "Auth:Issuers:0:Authority must be the https address")]
    [InlineData("Authority", "", "Auth:Issuers:0:Authority must be the https address")]
    [InlineData("Audience", "", "Auth:Issuers:0:Audience is missing")]
    [InlineData("Algorithms__0", "HS256", "Auth:Issuers:0:Algorithms: HS256 is not one of")]
    [InlineData("Algorithms__0", "none", "Auth:Issuers:0:Algorithms: none is not one of")]
    [InlineData("OrgId", "", "Auth:Issuers:0:OrgId or :Orgs is missing")]
    [InlineData("Orgs__0__Id", "01900000-0000-7000-8000-0000000000f1", "Auth:Issuers:0:OrgId and :Orgs exclude each other")]
    [InlineData("RoleRules__0__Claim", "roles", "Auth:Issuers:0:RoleRules:0:Value is missing")]
    [InlineData("UsernameClaim", "", "Auth:Issuers:0:UsernameClaim must name a claim")]
    public async Task A_service_does_not_start_with_an_issuer_that_is_not_fully_said(string key, string value, string expected)
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe", new Dictionary<string, string>
        {
            ["Auth__Issuers__0__Authority"] = "https://campus.example.org",
            ["Auth__Issuers__0__Audience"] = NodeProvider.Audience,
            ["Auth__Issuers__0__OrgId"] = Orgs.Default.ToString(),
        });
        if (value.Length == 0 && key == "OrgId") probe.Settings.Remove("Auth__Issuers__0__OrgId");
        else probe.Settings["Auth__Issuers__0__" + key] = value;
        probe.Settings["DOTNET_ENVIRONMENT"] = "Production";
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(probe.StartAsync);
        Assert.Contains(expected, refused.Message);
    }

    private static Dictionary<string, string> Mapped(int index, string authority)
    {
        string section = $"Auth__Issuers__{index}__";
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [section + "Authority"] = authority,
            [section + "Audience"] = NodeProvider.Audience,
            [section + "OrgClaim"] = "https://hpc.example.org/org_id",
            [section + "Orgs__0__Id"] = Physics.ToString(),
            [section + "Orgs__0__Value"] = "phys",
            [section + "Orgs__1__Id"] = Chemistry.ToString(),
            [section + "Orgs__1__Value"] = "chem",
            [section + "RoleRules__0__Claim"] = "app_metadata.roles",
            [section + "RoleRules__0__Value"] = "hpc-admin",
            [section + "RoleRules__0__Role"] = "admin",
        };
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
