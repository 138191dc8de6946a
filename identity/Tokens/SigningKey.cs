using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>A P-256 key of identity, named by its thumbprint (RFC 7638).</summary>
/// <param name="Public">For everybody.</param>
/// <param name="Credentials">Null when it has retired and its private half is erased.</param>
/// <param name="CreatedAt">UTC; published from then on.</param>
/// <param name="SignsFrom">UTC.</param>
/// <param name="RetiresAt">UTC; published until then. Null for the newest.</param>
internal sealed record SigningKey(
    ECDsaSecurityKey Public, SigningCredentials? Credentials, DateTimeOffset CreatedAt, DateTimeOffset SignsFrom, DateTimeOffset? RetiresAt)
{
    public string KeyId => Public.KeyId;

    public bool IsPublished(DateTimeOffset now) => RetiresAt is not { } end || end > now;

    public static ECDsa Generate() => ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static ECDsaSecurityKey Named(ECDsa handle)
    {
        var key = new ECDsaSecurityKey(handle);
        key.KeyId = Base64UrlEncoder.Encode(key.ComputeJwkThumbprint());
        return key;
    }

    /// <param name="text">PEM or base64 of PKCS #8.</param>
    /// <param name="setting">Where it was given.</param>
    /// <exception cref="InvalidOperationException">Not a private EC P-256 key; the message names the setting, never its value.</exception>
    public static ECDsa Parse(string text, string setting)
    {
        var handle = ECDsa.Create();
        try
        {
            if (text.Contains("-----BEGIN", StringComparison.Ordinal)) handle.ImportFromPem(text);
            else handle.ImportPkcs8PrivateKey(Convert.FromBase64String(text), out _);
        }
        catch (Exception unreadable) when (unreadable is FormatException or CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException($"{setting} is not an EC key in PEM or base64 of PKCS #8.", unreadable);
        }

        if (handle.ExportParameters(includePrivateParameters: false).Curve.Oid.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
            throw new InvalidOperationException($"{setting} is not on the curve P-256, which ES256 asks for.");
        try
        {
            handle.SignData([], HashAlgorithmName.SHA256);
            return handle;
        }
        catch (CryptographicException noPrivateKey)
        {
            throw new InvalidOperationException($"{setting} holds no private key: nothing could be signed.", noPrivateKey);
        }
    }
}
