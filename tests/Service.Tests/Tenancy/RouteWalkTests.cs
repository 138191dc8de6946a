using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Service.Tests.Tenancy;

/// <summary>All routes of all services, from their own endpoint metadata: none answers without a policy, and each keeps to it.</summary>
[Collection(nameof(Servers))]
public sealed class RouteWalkTests(Servers servers, EveryService site) : IClassFixture<EveryService>
{
    // What is open to everybody is a decision; it is made here once more, by name.
    private static readonly string[] Open =
    [
        "/", "/privacy", "/login", "/login/reset", "/login/second-factor", "/login/with/{provider}/{step?}", "/logout", "/_ui/", "/.well-known/",
        "/connect/token", "/connect/introspect", "/connect/revocation", "/formula", "/api/v1/estimate",
        "/payments/webhook/{provider}", "/payments/dummy/{session}", "/healthz", "/readyz", "/{*path:nonfile}",
    ];

    // The framework's own, in a build that was not published: without a policy, so refused like anything else that is forgotten.
    private const string FilesOfTheBuild = "/{**path:file}";

    // A caller must be somebody; scopes alone do not say who.
    private static readonly string[] Somebody = [Policies.User, Policies.Admin, Policies.Operator, "session", "enrolment"];

    [Fact]
    [Trait("Control", "AUTHZ-01")]
    public void Every_route_names_its_policy_or_is_open_on_purpose() => Assert.DoesNotContain(site.Routes, IsForgotten);

    [Fact]
    [Trait("Control", "AUTHZ-01")]
    public async Task A_route_without_a_policy_is_found()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        await probe.RunAsync("routes");
        Assert.Contains(EveryService.RoutesIn(probe), route => route.Path == "/forgotten" && IsForgotten(route));
    }

    [Fact]
    [Trait("Control", "AUTHZ-01")]
    public async Task No_closed_route_answers_without_a_token()
    {
        var wrong = new List<string>();
        foreach ((KnownRoute route, string method) in Closed())
        {
            using HttpClient nobody = site.Client(route.Service, token: null);
            HttpStatusCode status = await StatusAsync(nobody, route, method);
            if (status != HttpStatusCode.Unauthorized) wrong.Add($"{method} {route}: {status}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task What_is_for_admins_or_asks_for_a_scope_is_forbidden_to_others()
    {
        string user = site.Token(TestCaller.User("alice"));
        string adminWithoutScopes = site.Token(TestCaller.Admin() with { Scopes = "" });
        var wrong = new List<string>();
        foreach ((KnownRoute route, string method) in Closed())
        {
            if (route.Policies.Contains(Policies.Admin) || route.Policies.Contains(Policies.Operator)) await ExpectForbiddenAsync(user, route, method, wrong);
            if (route.Policies.Any(policy => policy.StartsWith("scope:", StringComparison.Ordinal))) await ExpectForbiddenAsync(adminWithoutScopes, route, method, wrong);
        }

        Assert.Contains(site.Routes, route => route.Policies.Contains(Policies.Admin));
        Assert.Empty(wrong);
        Assert.All(
            site.Routes.Where(route => route is { Service: "admin", IsAnonymous: false, Path: not FilesOfTheBuild }),
            route => Assert.Contains(Policies.Admin, route.Policies));
    }

    [Fact]
    [Trait("Control", "AUTH-10")]
    public async Task A_program_may_do_what_is_open_to_programs_and_in_its_scopes_and_is_nobodys_user()
    {
        string everyScope = site.MachineToken(string.Join(' ', Policies.Scopes));
        string noScope = site.MachineToken("");
        var wrong = new List<string>();
        foreach ((KnownRoute route, string method) in Closed())
        {
            await ExpectForbiddenAsync(noScope, route, method, wrong);
            if (!route.Policies.Contains(Policies.Operator)) await ExpectForbiddenAsync(everyScope, route, method, wrong);
        }

        Assert.Empty(wrong);
        Assert.All(
            site.Routes.Where(route => route.Policies.Contains(Policies.Operator)),
            route => Assert.Contains(route.Policies, policy => policy.StartsWith("scope:", StringComparison.Ordinal)));

        using HttpClient collector = site.Client("usage", site.MachineToken("usage.write"));
        using HttpResponseMessage import = await collector.PostAsJsonAsync("/api/v1/imports", new { fileName = "nightly.log", sizeBytes = 10, format = "sacct" });
        Assert.Equal(HttpStatusCode.Accepted, import.StatusCode);
        Assert.Contains("client:collector", await site["usage"].QueryAsync<string>("SELECT body->>'actor' FROM outbox WHERE body->>'action' = 'import.created'"));
    }

    private static bool IsForgotten(KnownRoute route) => route.IsAnonymous
        ? !Open.Any(open => open.EndsWith('/') && open.Length > 1 ? route.Path.StartsWith(open, StringComparison.Ordinal) : route.Path == open)
        : route.Path != FilesOfTheBuild && !route.Policies.Intersect(Somebody, StringComparer.Ordinal).Any();

    private IEnumerable<(KnownRoute Route, string Method)> Closed() =>
        from route in site.Routes
        where !route.IsAnonymous
        from method in route.Tries
        select (route, method);

    private async Task ExpectForbiddenAsync(string token, KnownRoute route, string method, List<string> wrong)
    {
        using HttpClient client = site.Client(route.Service, token);
        HttpStatusCode status = await StatusAsync(client, route, method);
        if (status != HttpStatusCode.Forbidden) wrong.Add($"{method} {route}: {status}");
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, KnownRoute route, string method)
    {
        string path = route.Path == FilesOfTheBuild
            ? "/file.css"
            : Regex.Replace(route.Path, @"\{[^}:]*(?<guid>:guid)?[^}]*\}", match => match.Groups["guid"].Success ? Guid.CreateVersion7().ToString() : "x");
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method is not ("GET" or "HEAD")) request.Content = new StringContent("{}", Encoding.UTF8, "application/json"); // else the route is not even matched
        using HttpResponseMessage response = await client.SendAsync(request);
        return response.StatusCode;
    }
}
