using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Tls;

/// <summary>
/// A certificate authority for this machine only, and the certificate it issued to localhost. Its name constraints make it
/// worthless for any other name, should its key leak after somebody trusted it.
/// </summary>
public sealed class DevelopmentCertificates
{
    private const string SystemBundle = "/etc/ssl/certs/ca-certificates.crt";
    private const int AuthorityDays = 3650;

    /// <summary>Browsers refuse server certificates of more than 398 days.</summary>
    private const int LeafDays = 397;

    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);
    private readonly string _directory;

    private DevelopmentCertificates(string directory) => _directory = directory;

    /// <summary>The authority's certificate (PEM): what clients must trust.</summary>
    public string AuthorityFile => Path.Combine(_directory, "ca.pem");

    /// <summary>The machine's trusted authorities and ours (PEM), for SSL_CERT_FILE.</summary>
    public string TrustFile => Path.Combine(_directory, "trusted.pem");

    public string CertificateFile => Path.Combine(_directory, "localhost.pem");

    public string KeyFile => Path.Combine(_directory, "localhost.key");

    private string AuthorityKeyFile => Path.Combine(_directory, "ca.key");

    /// <summary>Makes what is missing or about to expire; otherwise leaves everything as it is.</summary>
    public static DevelopmentCertificates Ensure(string directory, TimeProvider clock)
    {
        var certificates = new DevelopmentCertificates(PrivateFile.Directory(directory));
        var renewed = false;
        if (!IsCurrent(certificates.AuthorityFile, certificates.AuthorityKeyFile, clock))
        {
            certificates.CreateAuthority(clock);
            renewed = true;
        }

        if (renewed || !IsCurrent(certificates.CertificateFile, certificates.KeyFile, clock))
            certificates.IssueLeaf(clock);
        certificates.WriteTrust();
        return certificates;
    }

    public X509Certificate2 LoadAuthority() => X509CertificateLoader.LoadCertificateFromFile(AuthorityFile);

    private static bool IsCurrent(string certificateFile, string keyFile, TimeProvider clock)
    {
        if (!File.Exists(certificateFile) || !File.Exists(keyFile))
            return false;
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(certificateFile);
        return certificate.NotAfter.ToUniversalTime() - clock.GetUtcNow().UtcDateTime > RenewBefore;
    }

    private void CreateAuthority(TimeProvider clock)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=HpcBilling development CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(LoopbackNames.Constraint());
        var now = clock.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - ClockSkew, now.AddDays(AuthorityDays));
        PrivateFile.Write(AuthorityKeyFile, key.ExportPkcs8PrivateKeyPem());
        PrivateFile.Write(AuthorityFile, certificate.ExportCertificatePem() + "\n");
    }

    private void IssueLeaf(TimeProvider clock)
    {
        using var authority = X509Certificate2.CreateFromPemFile(AuthorityFile, AuthorityKeyFile);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(LoopbackNames.Alternatives());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1", "serverAuth")], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var now = clock.GetUtcNow();
        using var certificate = request.Create(authority, now - ClockSkew, now.AddDays(LeafDays), RandomNumberGenerator.GetBytes(16));
        PrivateFile.Write(KeyFile, key.ExportPkcs8PrivateKeyPem());
        PrivateFile.Write(CertificateFile, certificate.ExportCertificatePem() + "\n");
    }

    private void WriteTrust()
    {
        var bundle = Environment.GetEnvironmentVariable("SSL_CERT_FILE") is { Length: > 0 } chosen ? chosen : SystemBundle;
        var system = File.Exists(bundle) ? File.ReadAllText(bundle) : "";
        PrivateFile.Write(TrustFile, system + File.ReadAllText(AuthorityFile));
    }
}
