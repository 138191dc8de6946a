using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HpcBilling.Gateway.Hardening;

/// <summary>Where the certificate lies.</summary>
/// <param name="Path">PEM with the chain, or PKCS #12 when there is no key path.</param>
/// <param name="KeyPath">PEM of the private key.</param>
/// <param name="Password">Of the key or the PKCS #12 file.</param>
internal sealed record CertificateFiles(string Path, string? KeyPath, string? Password)
{
    private const long BytesMax = 1024 * 1024;

    public static CertificateFiles From(IConfigurationSection section, string contentRoot) => new(
        System.IO.Path.Combine(contentRoot, section["Path"]!),
        section["KeyPath"] is { Length: > 0 } key ? System.IO.Path.Combine(contentRoot, key) : null,
        section["Password"]);

    /// <summary>Of what the files hold now; empty when they cannot be read.</summary>
    public byte[] Fingerprint()
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (string file in (string[])[Path, .. KeyPath is null ? [] : new[] { KeyPath }])
            {
                if (new FileInfo(file).Length > BytesMax) return [];
                hash.AppendData(File.ReadAllBytes(file));
            }

            return hash.GetHashAndReset();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <exception cref="CryptographicException">The files are not a certificate with its private key.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    public SslStreamCertificateContext Load()
    {
        X509Certificate2Collection chain = [];
        X509Certificate2 certificate;
        if (KeyPath is null)
        {
            chain = X509CertificateLoader.LoadPkcs12CollectionFromFile(Path, Password);
            certificate = chain.FirstOrDefault(entry => entry.HasPrivateKey) ?? throw new CryptographicException("There is no private key in the file.");
        }
        else
        {
            certificate = Password is null ? X509Certificate2.CreateFromPemFile(Path, KeyPath) : X509Certificate2.CreateFromEncryptedPemFile(Path, Password, KeyPath);
            chain.ImportFromPemFile(Path);
        }

        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    public override string ToString() => Path;
}
