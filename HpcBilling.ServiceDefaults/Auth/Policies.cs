using Microsoft.AspNetCore.Authorization;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Names of the authorization policies; an endpoint without one is refused.</summary>
public static class Policies
{
    /// <summary>Anybody signed in.</summary>
    public const string User = "user";

    /// <summary>Role <c>admin</c>.</summary>
    public const string Admin = "admin";

    /// <summary>Role <c>admin</c>, or a machine client; what a client may do there, its scopes say, so a scope stands beside this one.</summary>
    public const string Operator = "operator";

    private const string ScopePrefix = "scope:";

    /// <summary>A token that carries the scope, for instance <c>usage.write</c>.</summary>
    public static string Scope(string scope) => ScopePrefix + scope;

    /// <summary>Every scope that a person's token can carry.</summary>
    public static IReadOnlyList<string> Scopes => RoleScopes.All;

    /// <summary>Scopes of services of ours among themselves; a person has none of them.</summary>
    public static IReadOnlyList<string> ServiceScopes => RoleScopes.OfServices;

    internal static void Configure(AuthorizationOptions options)
    {
        var deny = new AuthorizationPolicyBuilder().RequireAssertion(_ => false).Build();
        options.FallbackPolicy = deny;
        options.DefaultPolicy = deny;
        options.AddPolicy(User, policy => policy.RequireAuthenticatedUser().RequireClaim(Claims.Role, "user", "admin"));
        options.AddPolicy(Admin, policy => policy.RequireAuthenticatedUser().RequireClaim(Claims.Role, "admin"));
        options.AddPolicy(Operator, policy => policy.RequireAuthenticatedUser().RequireAssertion(context =>
            context.User.HasClaim(Claims.Role, "admin") || Caller.IsProgram(context.User)));
        foreach (string scope in Scopes.Concat(ServiceScopes))
        {
            options.AddPolicy(Scope(scope), policy => policy.RequireAuthenticatedUser().RequireAssertion(context =>
                context.User.FindFirst(Claims.Scope)?.Value.Split(' ').Contains(scope, StringComparer.Ordinal) == true));
        }
    }
}

/// <summary>Claim names of the access token (RFC 9068, OpenID Connect).</summary>
public static class Claims
{
    public const string Subject = "sub";
    public const string Username = "preferred_username";
    public const string OrgId = "org_id";
    public const string Role = "role";
    public const string Scope = "scope";
    public const string Session = "sid";
    public const string ClientId = "client_id";
}
