using System.Security.Cryptography;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>One of <c>Identity:Clients</c>: a program that gets tokens in its own name.</summary>
internal sealed class ClientOptions
{
    private const int SecretCharactersMin = 32;
    private const int RsaBitsMin = 2048;

    public string Id { get; set; } = "";

    /// <summary>For <c>client_secret_basic</c> and <c>client_secret_post</c>; null for a client that signs (<c>private_key_jwt</c>).</summary>
    public string? Secret { get; set; }

    /// <summary>The secret before, good during a rotation.</summary>
    public string? SecretPrevious { get; set; }

    /// <summary>Public keys in PEM; several are good during a rotation.</summary>
    public IReadOnlyList<string> PublicKeys { get; set; } = [];

    /// <summary>Public keys as a JSON Web Key Set.</summary>
    public string? Jwks { get; set; }

    /// <summary>Space separated, the least it needs.</summary>
    public string Scopes { get; set; } = "";

    /// <summary>Services its tokens are for, space separated; it may ask about tokens for them too.</summary>
    public string Audience { get; set; } = "";

    public Guid OrgId { get; set; } = Orgs.Default;

    /// <summary>A service of ours, which works for every org: a request names the org that its token is for. No other scopes than those of services.</summary>
    public bool EveryOrg { get; set; }

    public IReadOnlyList<string> Audiences => Audience.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public IReadOnlyList<string> ScopesAllowed => Scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public IEnumerable<string> SecretsInForce => new[] { Secret, SecretPrevious }.OfType<string>();

    /// <summary>What is wrong with it, each with its key.</summary>
    public IEnumerable<string> Faults(string section)
    {
        if (Id.Length == 0) yield return $"{section}:Id is missing";
        if (Id == ClientAuthentication.GatewayId) yield return $"{section}:Id: 'gateway' is the gateway's own";
        if (Secret is null && PublicKeys.Count == 0 && Jwks is null) yield return $"{section}:Secret, :PublicKeys or :Jwks is missing: it could not say who it is";
        if (SecretsInForce.Any(secret => secret.Length < SecretCharactersMin)) yield return $"{section}:Secret must have at least {SecretCharactersMin} characters";
        if (Audiences.Count == 0) yield return $"{section}:Audience is missing: name the services that its tokens are for";
        if (ScopesAllowed.Count == 0) yield return $"{section}:Scopes is missing";
        foreach (string unknown in ScopesAllowed.Except(Policies.Scopes.Concat(Policies.ServiceScopes), StringComparer.Ordinal)) yield return $"{section}:Scopes: there is no scope {unknown}";
        if (EveryOrg && ScopesAllowed.Except(Policies.ServiceScopes, StringComparer.Ordinal).Any())
            yield return $"{section}:EveryOrg: only a service of ours works for every org, and its scopes are: {string.Join(' ', Policies.ServiceScopes)}";
        if (KeyFault() is { } fault) yield return $"{section}:{fault}";
    }

    /// <exception cref="ArgumentException">One of them is no key.</exception>
    public IReadOnlyList<SecurityKey> Keys() =>
        [.. PublicKeys.Select(FromPem), .. Jwks is null ? [] : new JsonWebKeySet(Jwks).GetSigningKeys().Where(key => key is not SymmetricSecurityKey)];

    private string? KeyFault()
    {
        try
        {
            SecurityKey[] keys = [.. Keys()];
            if (Jwks is not null && keys.Length == PublicKeys.Count) return "Jwks holds no public signing key";
            return keys.Any(key => key is AsymmetricSecurityKey { KeySize: < RsaBitsMin } and not ECDsaSecurityKey) ? $"an RSA key must have {RsaBitsMin} bits" : null;
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or CryptographicException)
        {
            return "PublicKeys and Jwks must be public keys: EC P-256 or RSA, in PEM or as a JSON Web Key Set";
        }
    }

    private static SecurityKey FromPem(string pem)
    {
        try
        {
            var ec = ECDsa.Create();
            ec.ImportFromPem(pem);
            return new ECDsaSecurityKey(ec);
        }
        catch (Exception other) when (other is ArgumentException or CryptographicException)
        {
            var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return new RsaSecurityKey(rsa);
        }
    }
}
