namespace HpcBilling.Identity.Tokens;

/// <summary><c>POST /connect/token</c>: client credentials (RFC 6749 §4.4) and token exchange (RFC 8693).</summary>
internal static class TokenEndpoint
{
    public const string Path = "/connect/token";
    private const string ClientCredentials = "client_credentials";
    private const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

    public static readonly IReadOnlyList<string> GrantTypes = [ClientCredentials, TokenExchange];

    public static void Map(IEndpointRouteBuilder app) => app.MapPost(Path, HandleAsync).AllowAnonymous().DisableAntiforgery();

    private static async Task<IResult> HandleAsync(
        HttpContext http, ClientAuthentication clients, SubjectExchange exchange, AccessTokens tokens, CancellationToken cancellation)
    {
        if (await OAuth.ReadFormAsync(http, cancellation) is not { } form) return OAuth.BadForm();
        string grant = form["grant_type"].ToString();
        if (grant.Length == 0) return OAuth.Error("invalid_request", "grant_type is missing.");
        ClientOutcome who = await clients.FindAsync(http.Request, form, cancellation);
        if (who is ClientOutcome.Malformed malformed) return OAuth.Error("invalid_request", malformed.Reason);
        if (who is not ClientOutcome.Authenticated { Client: var client }) return OAuth.InvalidClient(http);

        return (grant, client) switch
        {
            (TokenExchange, AuthenticatedClient.Gateway) => await ExchangeAsync(form, exchange, cancellation),
            (ClientCredentials, AuthenticatedClient.Machine machine) => Issue(form, machine.Options, tokens),
            (TokenExchange or ClientCredentials, _) => OAuth.Error("unauthorized_client", "This client may not use this grant."),
            _ => OAuth.Error("unsupported_grant_type", "grant_type must be one of: " + string.Join(", ", GrantTypes)),
        };
    }

    private static async Task<IResult> ExchangeAsync(IFormCollection form, SubjectExchange exchange, CancellationToken cancellation)
    {
        string type = form["subject_token_type"].ToString();
        string subject = form["subject_token"].ToString();
        return await exchange.RunAsync(type, subject, cancellation) is { } token
            ? OAuth.Token(token, exchanged: true)
            : OAuth.Error("invalid_request", "The subject token is unknown, expired or revoked."); // RFC 8693 §2.2.2
    }

    private static IResult Issue(IFormCollection form, ClientOptions client, AccessTokens tokens)
    {
        string asked = form["scope"].ToString();
        Guid org = client.OrgId;
        string named = form["org_id"].ToString();
        if (named.Length > 0 && (!Guid.TryParse(named, out org) || (org != client.OrgId && !client.EveryOrg)))
            return OAuth.Error("invalid_request", "org_id is not an org that this client works for.");

        IReadOnlyList<string> scopes = asked.Length == 0 ? client.ScopesAllowed : asked.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return scopes.Except(client.ScopesAllowed, StringComparer.Ordinal).Any()
            ? OAuth.Error("invalid_scope", "Asked for more than this client may have.")
            : OAuth.Token(tokens.ForClient(client, scopes, org), exchanged: false);
    }
}
