using System.Text.Json.Serialization;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>What a service or a client needs to know about us: the metadata (OpenID Connect Discovery, RFC 8414) and the public keys (RFC 7517).</summary>
internal static class Discovery
{
    private const int CacheSecondsMax = 300;

    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder wellKnown = app.MapGroup("/.well-known").AllowAnonymous();
        wellKnown.MapGet("/openid-configuration", Metadata);
        wellKnown.MapGet("/oauth-authorization-server", Metadata);
        wellKnown.MapGet("/jwks.json", Keys);
    }

    // The issuer is a name and always the public one; the addresses are those under which the asker reached us, since a service
    // behind the gateway fetches the keys from here directly.
    private static JsonHttpResult<ProviderMetadata> Metadata(HttpContext http, IOptions<AuthOptions> auth, IOptions<IdentityOptions> options)
    {
        MayBeCached(http, options);
        string here = $"{http.Request.Scheme}://{http.Request.Host}";
        return TypedResults.Json(new ProviderMetadata(
            auth.Value.IssuerName ?? here,
            here + "/.well-known/jwks.json",
            here + TokenEndpoint.Path,
            here + UserInfo.Path,
            here + Introspection.Path,
            here + Revocation.Path,
            TokenEndpoint.GrantTypes,
            Policies.Scopes,
            UserInfo.Claims,
            ResponseTypes: [], // no browser is sent to us for a token: people sign in at the gateway
            SubjectTypes: ["public"],
            ClientAuthentication.Methods,
            ClientAssertion.Algorithms,
            ClientAuthentication.Methods,
            ClientAssertion.Algorithms,
            ["none", .. ClientAuthentication.Methods],
            ClientAssertion.Algorithms));
    }

    private static JsonHttpResult<PublicKeys> Keys(HttpContext http, SigningKeys keys, IOptions<IdentityOptions> options)
    {
        MayBeCached(http, options);
        return TypedResults.Json(new PublicKeys([.. keys.Published.Select(PublicKey.Of)]));
    }

    // Whoever keeps the keys has fetched a new one well before it signs.
    private static void MayBeCached(HttpContext http, IOptions<IdentityOptions> options) =>
        http.Response.Headers.CacheControl = $"public, max-age={Math.Min(CacheSecondsMax, options.Value.KeyPublishSeconds / 2)}";

    private sealed record ProviderMetadata(
        [property: JsonPropertyName("issuer")] string Issuer,
        [property: JsonPropertyName("jwks_uri")] string JwksUri,
        [property: JsonPropertyName("token_endpoint")] string TokenEndpoint,
        [property: JsonPropertyName("userinfo_endpoint")] string UserInfoEndpoint,
        [property: JsonPropertyName("introspection_endpoint")] string IntrospectionEndpoint,
        [property: JsonPropertyName("revocation_endpoint")] string RevocationEndpoint,
        [property: JsonPropertyName("grant_types_supported")] IReadOnlyList<string> GrantTypes,
        [property: JsonPropertyName("scopes_supported")] IReadOnlyList<string> Scopes,
        [property: JsonPropertyName("claims_supported")] IReadOnlyList<string> Claims,
        [property: JsonPropertyName("response_types_supported")] IReadOnlyList<string> ResponseTypes,
        [property: JsonPropertyName("subject_types_supported")] IReadOnlyList<string> SubjectTypes,
        [property: JsonPropertyName("token_endpoint_auth_methods_supported")] IReadOnlyList<string> TokenAuthMethods,
        [property: JsonPropertyName("token_endpoint_auth_signing_alg_values_supported")] IReadOnlyList<string> TokenAuthAlgorithms,
        [property: JsonPropertyName("introspection_endpoint_auth_methods_supported")] IReadOnlyList<string> IntrospectionAuthMethods,
        [property: JsonPropertyName("introspection_endpoint_auth_signing_alg_values_supported")] IReadOnlyList<string> IntrospectionAuthAlgorithms,
        [property: JsonPropertyName("revocation_endpoint_auth_methods_supported")] IReadOnlyList<string> RevocationAuthMethods,
        [property: JsonPropertyName("revocation_endpoint_auth_signing_alg_values_supported")] IReadOnlyList<string> RevocationAuthAlgorithms);

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
