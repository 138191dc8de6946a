using System.Text.Json.Serialization;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Tokens;

/// <summary><c>POST /connect/introspect</c> (RFC 7662): a client asks whether a token that it was shown still works.</summary>
internal static class Introspection
{
    public const string Path = "/connect/introspect";

    public static void Map(IEndpointRouteBuilder app) => app.MapPost(Path, HandleAsync).AllowAnonymous().DisableAntiforgery();

    private static async Task<IResult> HandleAsync(
        HttpContext http, ClientAuthentication clients, IssuedTokens issued, IOptions<AuthOptions> auth, CancellationToken cancellation)
    {
        if (await OAuth.ReadFormAsync(http, cancellation) is not { } form) return OAuth.BadForm();
        ClientOutcome who = await clients.FindAsync(http.Request, form, cancellation);
        if (who is ClientOutcome.Malformed malformed) return OAuth.Error("invalid_request", malformed.Reason);
        if (who is not ClientOutcome.Authenticated { Client: var client }) return OAuth.InvalidClient(http);
        string text = form["token"].ToString();
        if (text.Length == 0) return OAuth.Error("invalid_request", "token is missing.");

        // Unknown, expired, called back, or not for the one who asks: the answer is the same, so that nobody can try tokens out.
        return await issued.FindActiveAsync(text, cancellation) is { } token && MayKnow(client, token)
            ? OAuth.Uncached(Answer.Of(token, auth.Value.IssuerName))
            : OAuth.Uncached(new { active = false });
    }

    private static bool MayKnow(AuthenticatedClient client, ActiveToken token) => client switch
    {
        AuthenticatedClient.Gateway => true,
        AuthenticatedClient.Machine { Options: var machine } =>
            token.OrgId == machine.OrgId.ToString() && token.Audiences.Intersect(machine.Audiences, StringComparer.Ordinal).Any(),
        _ => false,
    };

    private sealed record Answer(
        [property: JsonPropertyName("active")] bool Active,
        [property: JsonPropertyName("token_type")] string TokenType,
        [property: JsonPropertyName("iss")] string? Issuer,
        [property: JsonPropertyName("sub")] string Subject,
        [property: JsonPropertyName("aud")] IReadOnlyList<string> Audiences,
        [property: JsonPropertyName("scope")] string Scope,
        [property: JsonPropertyName("iat")] long IssuedAt,
        [property: JsonPropertyName("exp")] long ExpiresAt,
        [property: JsonPropertyName("jti")] string Id,
        [property: JsonPropertyName("org_id")] string OrgId,
        [property: JsonPropertyName("client_id"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ClientId,
        [property: JsonPropertyName("username"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Username,
        [property: JsonPropertyName("role"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role)
    {
        public static Answer Of(ActiveToken token, string? issuer) => new(
            Active: true, "Bearer", issuer, token.Subject, token.Audiences, token.Scope, token.IssuedAt, token.ExpiresAt, token.Id, token.OrgId,
            token.ClientId, token.Username, token.Role);
    }
}
