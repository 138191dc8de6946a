using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HpcBilling.Cli.Gateway;

/// <summary>Which servers are believed: the system's authorities, and those of the profile's CA file besides.</summary>
internal static class Trust
{
    public static SslClientAuthenticationOptions Options(IReadOnlyList<string> caFiles) => caFiles.Count == 0
        ? new SslClientAuthenticationOptions()
        : new SslClientAuthenticationOptions { CertificateChainPolicy = Policy(caFiles) };

    // Names, dates and usage are checked as ever; only the set of roots grows.
    private static X509ChainPolicy Policy(IReadOnlyList<string> caFiles)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        using var system = new X509Store(StoreName.Root, StoreLocation.LocalMachine, OpenFlags.ReadOnly);
        policy.CustomTrustStore.AddRange(system.Certificates);
        foreach (string caFile in caFiles)
        {
            try
            {
                policy.CustomTrustStore.ImportFromPemFile(caFile);
            }
            catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException)
            {
                throw new CommandFailedException(ExitCode.Usage, $"CA file {caFile} cannot be used: {unusable.Message}", unusable);
            }
        }

        return policy;
    }
}
