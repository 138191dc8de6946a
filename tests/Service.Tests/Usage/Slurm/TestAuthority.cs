using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>A certification authority that lives as long as a test.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset From = TimeProvider.System.GetUtcNow().AddDays(-1);

    private readonly string folder = Directory.CreateTempSubdirectory("hpcb-ca-").FullName;
    private readonly X509Certificate2 authority;

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Authority of a test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authority = request.CreateSelfSigned(From, From.AddDays(30));
        File.WriteAllText(CaFile, authority.ExportCertificatePem());
    }

    public string CaFile => Path.Combine(folder, "ca.pem");

    public X509Certificate2 Server() => Sign("CN=localhost", out _);

    /// <summary>A client's certificate, and the PEM files that hold it.</summary>
    public X509Certificate2 Client(out string certificateFile, out string keyFile)
    {
        X509Certificate2 certificate = Sign("CN=usage", out string key);
        (certificateFile, keyFile) = (Path.Combine(folder, "client.pem"), Path.Combine(folder, "client.key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key);
        return certificate;
    }

    public void Dispose()
    {
        authority.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private X509Certificate2 Sign(string name, out string keyPem)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 signed = request.Create(authority, From, From.AddDays(20), RandomNumberGenerator.GetBytes(8));
        keyPem = key.ExportPkcs8PrivateKeyPem();
        using X509Certificate2 whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}
