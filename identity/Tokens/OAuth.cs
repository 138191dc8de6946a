using System.Text.Json.Serialization;

namespace HpcBilling.Identity.Tokens;

/// <summary>Answers in the words of OAuth (RFC 6749 §5).</summary>
internal static class OAuth
{
    private const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";

    public static IResult Token(IssuedToken token, bool exchanged) => new NoStore(TypedResults.Json(
        new TokenAnswer(token.Text, "Bearer", token.LifetimeSeconds, exchanged ? AccessTokenType : null)));

    /// <summary>An answer that no cache may keep.</summary>
    public static IResult Uncached<T>(T answer) => new NoStore(TypedResults.Json(answer));

    /// <returns>Null when the body is no form, or says one thing twice (RFC 6749 §3.2).</returns>
    public static async Task<IFormCollection?> ReadFormAsync(HttpContext http, CancellationToken cancellation)
    {
        if (!http.Request.HasFormContentType) return null;
        IFormCollection form = await http.Request.ReadFormAsync(cancellation);
        return form.Any(field => field.Value.Count > 1) ? null : form;
    }

    public static IResult BadForm() => Error("invalid_request", "The body must be a form in which nothing is said twice.");

    public static IResult InvalidClient(HttpContext http)
    {
        http.Response.Headers.WWWAuthenticate = "Basic realm=\"connect\"";
        return Error("invalid_client", "Unknown client, or not with these credentials.", StatusCodes.Status401Unauthorized);
    }

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
            httpContext.Response.Headers.Pragma = "no-cache";
            return inner.ExecuteAsync(httpContext);
        }
    }
}
