using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>The key that signs and every key that a service should accept; a rotation publishes the new one before it signs.</summary>
internal sealed class SigningKeys : IDisposable
{
    private readonly List<ECDsa> handles = [];

    public SigningKeys(IOptions<IdentityOptions> options)
    {
        ECDsaSecurityKey current = Load(options.Value.SigningKey, "Identity:SigningKey");
        EnsureItSigns(handles[0]);
        Credentials = new SigningCredentials(current, SecurityAlgorithms.EcdsaSha256);
        Published = [current, .. options.Value.OtherSigningKeys.Select((key, index) => Load(key, $"Identity:OtherSigningKeys:{index}"))];
    }

    public SigningCredentials Credentials { get; }

    public IReadOnlyList<ECDsaSecurityKey> Published { get; }

    public void Dispose() => handles.ForEach(handle => handle.Dispose());

    private static void EnsureItSigns(ECDsa key)
    {
        try
        {
            key.SignData([], HashAlgorithmName.SHA256);
        }
        catch (CryptographicException noPrivateKey)
        {
            throw new InvalidOperationException("Identity:SigningKey holds no private key: nothing could be signed.", noPrivateKey);
        }
    }

    /// <exception cref="InvalidOperationException">Not an EC P-256 key; the message names the setting, never its value.</exception>
    private ECDsaSecurityKey Load(string text, string setting)
    {
        var handle = ECDsa.Create();
        handles.Add(handle);
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
        var key = new ECDsaSecurityKey(handle);
        key.KeyId = Base64UrlEncoder.Encode(key.ComputeJwkThumbprint()); // RFC 7638
        return key;
    }
}
