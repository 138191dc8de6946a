using System.Text.Json.Serialization;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>What a service needs to check our tokens: the metadata (OpenID Connect Discovery, RFC 8414) and the public keys (RFC 7517).</summary>
internal static class Discovery
{
    // Shorter than the overlap of a key rotation.
    private const string CacheControl = "public, max-age=300";

    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder wellKnown = app.MapGroup("/.well-known").AllowAnonymous();
        wellKnown.MapGet("/openid-configuration", Metadata);
        wellKnown.MapGet("/oauth-authorization-server", Metadata);
        wellKnown.MapGet("/jwks.json", Keys);
    }

    // The issuer is a name and always the public one; the addresses are those under which the asker reached us, since a service
    // behind the gateway fetches the keys from here directly.
    private static JsonHttpResult<ProviderMetadata> Metadata(HttpContext http, IOptions<AuthOptions> auth)
    {
        http.Response.Headers.CacheControl = CacheControl;
        string here = $"{http.Request.Scheme}://{http.Request.Host}";
        return TypedResults.Json(new ProviderMetadata(
            auth.Value.Issuer ?? auth.Value.Authority ?? here,
            here + "/.well-known/jwks.json",
            here + "/connect/token",
            here + "/connect/userinfo",
            here + "/connect/revocation",
            TokenEndpoint.GrantTypes,
            Policies.Scopes,
            ResponseTypes: [],
            SubjectTypes: ["public"],
            TokenAuthMethods: ["client_secret_basic"],
            RevocationAuthMethods: ["none"]));
    }

    private static JsonHttpResult<PublicKeys> Keys(HttpContext http, SigningKeys keys)
    {
        http.Response.Headers.CacheControl = CacheControl;
        return TypedResults.Json(new PublicKeys([.. keys.Published.Select(PublicKey.Of)]));
    }

    private sealed record ProviderMetadata(
        [property: JsonPropertyName("issuer")] string Issuer,
        [property: JsonPropertyName("jwks_uri")] string JwksUri,
        [property: JsonPropertyName("token_endpoint")] string TokenEndpoint,
        [property: JsonPropertyName("userinfo_endpoint")] string UserInfoEndpoint,
        [property: JsonPropertyName("revocation_endpoint")] string RevocationEndpoint,
        [property: JsonPropertyName("grant_types_supported")] IReadOnlyList<string> GrantTypes,
        [property: JsonPropertyName("scopes_supported")] IReadOnlyList<string> Scopes,
        [property: JsonPropertyName("response_types_supported")] IReadOnlyList<string> ResponseTypes,
        [property: JsonPropertyName("subject_types_supported")] IReadOnlyList<string> SubjectTypes,
        [property: JsonPropertyName("token_endpoint_auth_methods_supported")] IReadOnlyList<string> TokenAuthMethods,
        [property: JsonPropertyName("revocation_endpoint_auth_methods_supported")] IReadOnlyList<string> RevocationAuthMethods);

    private sealed record PublicKeys(IReadOnlyList<PublicKey> Keys);

    private sealed record PublicKey(string Kty, string Crv, string X, string Y, string Use, string Alg, string Kid)
    {
        public static PublicKey Of(ECDsaSecurityKey key)
        {
            JsonWebKey jwk = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(key);
            return new PublicKey(jwk.Kty, jwk.Crv, jwk.X, jwk.Y, "sig", SecurityAlgorithms.EcdsaSha256, key.KeyId);
        }
    }
}
