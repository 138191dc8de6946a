using System.Text.Json.Serialization;

namespace HpcBilling.Identity.Tokens;

/// <summary>Answers in the words of OAuth (RFC 6749 §5).</summary>
internal static class OAuth
{
    private const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";

    public static IResult Token(IssuedToken token, bool exchanged) => new NoStore(TypedResults.Json(
        new TokenAnswer(token.Text, "Bearer", token.LifetimeSeconds, exchanged ? AccessTokenType : null)));

    public static IResult Error(string error, string description, int status = StatusCodes.Status400BadRequest) =>
        new NoStore(TypedResults.Json(new ErrorAnswer(error, description), statusCode: status));

    private sealed record TokenAnswer(
        [property: JsonPropertyName("access_token")] string AccessToken,
        [property: JsonPropertyName("token_type")] string TokenType,
        [property: JsonPropertyName("expires_in")] int ExpiresIn,
        [property: JsonPropertyName("issued_token_type"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? IssuedTokenType);

    private sealed record ErrorAnswer(
        [property: JsonPropertyName("error")] string Error, [property: JsonPropertyName("error_description")] string Description);

    private sealed class NoStore(IResult inner) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.CacheControl = "no-store";
            return inner.ExecuteAsync(httpContext);
        }
    }
}
