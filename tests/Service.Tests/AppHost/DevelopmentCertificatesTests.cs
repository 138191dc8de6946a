using System.Security.Cryptography.X509Certificates;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Tls;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class DevelopmentCertificatesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_certificate_is_good_for_this_machine_for_less_than_398_days()
    {
        var certificates = DevelopmentCertificates.Ensure(_directory.File("tls"), TimeProvider.System);
        using var leaf = X509CertificateLoader.LoadCertificateFromFile(certificates.CertificateFile);

        Assert.True(IsTrusted(certificates, leaf));
        Assert.True(leaf.MatchesHostname("localhost") && leaf.MatchesHostname("127.0.0.1") && leaf.MatchesHostname("::1"));
        Assert.True(leaf.NotAfter - leaf.NotBefore < TimeSpan.FromDays(398));
        Assert.True(PrivateFile.IsOwnerOnly(certificates.KeyFile));
    }

    [Fact]
    public void The_authority_cannot_vouch_for_any_other_name()
    {
        var certificates = DevelopmentCertificates.Ensure(_directory.File("tls"), TimeProvider.System);
        using var authority = X509Certificate2.CreateFromPemFile(certificates.AuthorityFile, _directory.File("tls/ca.key"));
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new CertificateRequest("CN=bank.example", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("bank.example");
        request.CertificateExtensions.Add(names.Build());
        using var forged = request.Create(authority, new DateTimeOffset(authority.NotBefore), new DateTimeOffset(authority.NotAfter), [1, 2, 3]);

        Assert.False(IsTrusted(certificates, forged));
    }

    [Fact]
    public void It_is_kept_while_it_lasts_and_renewed_before_it_expires()
    {
        var first = Content(TimeProvider.System);

        Assert.Equal(first, Content(TimeProvider.System));
        Assert.NotEqual(first, Content(new LaterClock(TimeSpan.FromDays(380))));
    }

    private string Content(TimeProvider clock) => File.ReadAllText(DevelopmentCertificates.Ensure(_directory.File("tls"), clock).CertificateFile);

    private static bool IsTrusted(DevelopmentCertificates certificates, X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(certificates.LoadAuthority());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private sealed class LaterClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
