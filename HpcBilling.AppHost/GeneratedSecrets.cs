using System.Buffers.Text;
using System.Security.Cryptography;
using Aspire.Hosting.Publishing;

namespace HpcBilling.AppHost;

/// <summary>Parameters that are generated at the first start and kept, unless configuration gives them (Parameters:name).</summary>
internal static class GeneratedSecrets
{
    private const int TokenBytes = 32;
    private const int MasterKeyBytes = 64;

    /// <summary>A word of letters and digits, safe in connection strings and URLs.</summary>
    public static IResourceBuilder<ParameterResource> AddPassword(this IDistributedApplicationBuilder builder, string name, int length = 24) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = length, Special = false }, secret: true, persist: true);

    /// <summary>64 random bytes in base64.</summary>
    public static IResourceBuilder<ParameterResource> AddMasterKey(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddGenerated(name, () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(MasterKeyBytes)));

    /// <summary>A P-256 private key for ES256: PKCS #8 in base64.</summary>
    public static IResourceBuilder<ParameterResource> AddSigningKey(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddGenerated(name, () =>
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return Convert.ToBase64String(key.ExportPkcs8PrivateKey());
        });

    /// <summary>A bearer token: the prefix by which secret scanners know it, and 43 base64url characters.</summary>
    public static IResourceBuilder<ParameterResource> AddAccessToken(this IDistributedApplicationBuilder builder, string name, string prefix) =>
        builder.AddGenerated(name, () => prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes)));

    private static IResourceBuilder<ParameterResource> AddGenerated(this IDistributedApplicationBuilder builder, string name, Func<string> generate) =>
        builder.AddParameter(name, new Generated(generate), secret: true, persist: true);

    private sealed class Generated(Func<string> generate) : ParameterDefault
    {
        public override string GetDefaultValue() => generate();

        public override void WriteToManifest(ManifestPublishingContext context)
        {
            // A manifest cannot say how to make a key: whoever deploys from it gives the value.
        }
    }
}
