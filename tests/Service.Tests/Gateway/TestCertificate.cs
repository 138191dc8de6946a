using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HpcBilling.Service.Tests.Gateway;

internal static class TestCertificate
{
    /// <summary>Self-signed, for localhost, as PEM.</summary>
    /// <param name="subject">Distinguished name.</param>
    /// <param name="validDays">From yesterday on; negative for one that has ended.</param>
    public static (string Certificate, string Key) Make(string subject, int validDays = 30)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset end = DateTimeOffset.UtcNow.AddDays(validDays);
        using X509Certificate2 certificate = request.CreateSelfSigned(end.AddDays(-Math.Abs(validDays) - 30), end);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
