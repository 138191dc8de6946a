namespace HpcBilling.Identity.Tokens;

/// <summary><c>POST /connect/token</c>: client credentials (RFC 6749 §4.4) and token exchange (RFC 8693).</summary>
internal static class TokenEndpoint
{
    private const string ClientCredentials = "client_credentials";
    private const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

    public static readonly IReadOnlyList<string> GrantTypes = [ClientCredentials, TokenExchange];

    public static void Map(IEndpointRouteBuilder connect) =>
        connect.MapPost("/token", HandleAsync).AllowAnonymous().DisableAntiforgery();

    private static async Task<IResult> HandleAsync(
        HttpContext http, ClientAuthentication clients, SubjectExchange exchange, AccessTokens tokens, CancellationToken cancellation)
    {
        if (!http.Request.HasFormContentType) return OAuth.Error("invalid_request", "The body must be a form.");
        IFormCollection form = await http.Request.ReadFormAsync(cancellation);
        if (clients.Find(http.Request) is not { } client)
        {
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"connect\"";
            return OAuth.Error("invalid_client", "Unknown client or wrong secret.", StatusCodes.Status401Unauthorized);
        }

        string? grant = form["grant_type"];
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
        string[] allowed = client.Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string asked = form["scope"].ToString();
        string[] scopes = asked.Length == 0 ? allowed : asked.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return scopes.Except(allowed, StringComparer.Ordinal).Any()
            ? OAuth.Error("invalid_scope", "Asked for more than this client may have.")
            : OAuth.Token(tokens.ForClient(client, scopes), exchanged: false);
    }
}
