using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HpcBilling.Gateway.Hardening;

/// <summary>
/// The certificate that new connections get. Its files are looked at every second rather than watched, since the ways in which
/// deployments replace files (renames, symbolic links, writing in place) do not all raise an event.
/// </summary>
/// <remarks>A replaced certificate is not disposed: handshakes may be using it.</remarks>
internal sealed class ServerCertificate(CertificateFiles files, TimeProvider clock, ILogger<ServerCertificate> log) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private byte[] known = files.Fingerprint();
    private volatile SslStreamCertificateContext current = files.Load();

    public SslStreamCertificateContext Current => current;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!IsValidNow(current.TargetCertificate)) log.LogError("The certificate in {Path} is not valid now: {NotBefore} to {NotAfter}", files.Path, current.TargetCertificate.NotBefore, current.TargetCertificate.NotAfter);
        byte[] previous = known;
        using var timer = new PeriodicTimer(LookEvery, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            byte[] now = files.Fingerprint();
            bool settled = now.AsSpan().SequenceEqual(previous); // not while somebody is still writing
            if (settled && !now.AsSpan().SequenceEqual(known)) Replace(now);
            previous = now;
        }
    }

    private void Replace(byte[] fingerprint)
    {
        known = fingerprint; // one try for each content
        try
        {
            SslStreamCertificateContext candidate = files.Load();
            if (!IsValidNow(candidate.TargetCertificate)) throw new CryptographicException($"It is valid from {candidate.TargetCertificate.NotBefore:O} to {candidate.TargetCertificate.NotAfter:O}.");
            current = candidate;
            log.LogInformation("New connections get the certificate {Thumbprint}, valid until {NotAfter}", candidate.TargetCertificate.Thumbprint, candidate.TargetCertificate.NotAfter);
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            log.LogError(failure, "The new certificate in {Path} cannot be used; the old one stays", files.Path);
        }
    }

    private bool IsValidNow(X509Certificate2 certificate)
    {
        DateTime now = clock.GetUtcNow().UtcDateTime;
        return certificate.NotBefore.ToUniversalTime() <= now && now <= certificate.NotAfter.ToUniversalTime();
    }
}
