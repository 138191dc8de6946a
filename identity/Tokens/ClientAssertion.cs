using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary><c>private_key_jwt</c> (RFC 7523 §3): a token that the client signed for us, short-lived and good once.</summary>
internal sealed class ClientAssertion(
    Database database, IOptions<IdentityOptions> options, IOptions<AuthOptions> auth, TimeProvider clock)
{
    public const string Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    private const int CharactersMax = 8 * 1024;
    private const int IdCharactersMax = 255;
    private static readonly TimeSpan LifetimeMax = TimeSpan.FromMinutes(5);
    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = CharactersMax };

    public static readonly IReadOnlyList<string> Algorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256];

    // Parsed once: a signature is then checked with a provider that the library keeps.
    private readonly Dictionary<string, (ClientOptions Client, IReadOnlyList<SecurityKey> Keys)> clients =
        options.Value.Clients.ToDictionary(client => client.Id, client => (client, client.Keys()), StringComparer.Ordinal);

    /// <returns>Null when it is not a fresh assertion of a client with a key.</returns>
    public async Task<ClientOptions?> ValidateAsync(string assertion, CancellationToken cancellation)
    {
        if (IssuerOf(assertion) is not { } id || !clients.TryGetValue(id, out var known) || known.Keys.Count == 0) return null;
        TokenValidationResult result = await Handler.ValidateTokenAsync(assertion, Parameters(id, known.Keys));
        if (!result.IsValid) return null;

        var token = (JsonWebToken)result.SecurityToken;
        DateTimeOffset now = clock.GetUtcNow();
        DateTimeOffset end = new(token.ValidTo, TimeSpan.Zero);
        TimeSpan skew = TimeSpan.FromSeconds(auth.Value.ClockSkewSeconds);
        if (token.Subject != id || end > now + LifetimeMax + skew || token.Id is not { Length: > 0 and <= IdCharactersMax }) return null;
        return await IsFirstAsync(known.Client, token.Id, end + skew, cancellation) ? known.Client : null;
    }

    // Its audience is us by name, or the token endpoint. What the request calls our host does not count: an assertion that somebody else
    // was given would be good here.
    private TokenValidationParameters Parameters(string clientId, IReadOnlyList<SecurityKey> keys)
    {
        string issuer = auth.Value.IssuerName ?? "";
        return new TokenValidationParameters
        {
            ValidIssuer = clientId,
            ValidAudiences = [issuer, issuer.TrimEnd('/') + TokenEndpoint.Path],
            ValidAlgorithms = Algorithms,
            IssuerSigningKeys = keys,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            ClockSkew = TimeSpan.FromSeconds(auth.Value.ClockSkewSeconds),
        };
    }

    private async Task<bool> IsFirstAsync(ClientOptions client, string tokenId, DateTimeOffset end, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(client.OrgId, cancellation);
        bool first = await UsedOnce.TakeAsync(tx, $"assertion {client.Id} {tokenId}", end, cancellation);
        await tx.CommitAsync(cancellation);
        return first;
    }

    private static string? IssuerOf(string assertion)
    {
        try
        {
            return assertion.Length <= CharactersMax ? Handler.ReadJsonWebToken(assertion).Issuer : null;
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or SecurityTokenException)
        {
            return null;
        }
    }
}
