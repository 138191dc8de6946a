using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Identity.Tokens;

/// <summary><c>/api/v1/access-tokens</c>: the caller's own personal access tokens.</summary>
internal static class AccessTokensApi
{
    private static readonly OrgOwned Token = new("access token", "SELECT org_id FROM access_tokens WHERE token_id = @Id");

    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder tokens = app.MapGroup("/api/v1/access-tokens").RequireAuthorization(Policies.User);
        tokens.MapGet("/", ListAsync);
        tokens.MapPost("/", CreateAsync);
        tokens.MapDelete("/{id:guid}", RevokeAsync).RefusesOtherOrgs(Token);
    }

    private static async Task<IResult> ListAsync(Caller caller, PersonalAccessTokens tokens, CancellationToken cancellation) =>
        TypedResults.Ok(new
        {
            items = (await tokens.ListAsync(caller, cancellation)).Select(token => new
            {
                id = token.TokenId,
                token.Name,
                token.Scopes,
                token.CreatedAt,
                token.ExpiresAt,
                token.LastUsedAt,
                token.RevokedAt,
            }),
        });

    private static async Task<IResult> CreateAsync(
        HttpContext http, Caller caller, NewToken wish, PersonalAccessTokens tokens, CancellationToken cancellation)
    {
        http.Response.Headers.CacheControl = "no-store";
        return await tokens.CreateAsync(caller, wish, cancellation) switch
        {
            CreateTokenOutcome.Created made => TypedResults.Created(
                $"/api/v1/access-tokens/{made.TokenId}", new { id = made.TokenId, token = made.Secret, made.Name, made.Scopes, made.ExpiresAt }),
            CreateTokenOutcome.Invalid invalid => Problems.Invalid(invalid.Field, invalid.Reason),
            CreateTokenOutcome.NeedsSession => Problems.Forbidden("A token is made in a signed-in browser, not with another token."),
            var other => throw new InvalidOperationException($"Unknown outcome {other}"),
        };
    }

    private static async Task<IResult> RevokeAsync(Caller caller, Guid id, PersonalAccessTokens tokens, CancellationToken cancellation) =>
        await tokens.RevokeAsync(caller, id, cancellation) ? TypedResults.NoContent() : Problems.NotFound("access token");
}
