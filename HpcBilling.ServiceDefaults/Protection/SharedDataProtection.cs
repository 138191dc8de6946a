using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Protection;

/// <summary>
/// One key ring for all services and replicas, from one secret: an antiforgery token made by a page is understood by the gateway
/// and by the page's other replicas.
/// </summary>
public static class SharedDataProtection
{
    /// <summary>For a service that protects nothing: the framework wants a key ring all the same, and it goes nowhere near a disk.</summary>
    internal static void AddMemoryKeyRing(this IServiceCollection services) =>
        services.Configure<KeyManagementOptions>(options => options.XmlRepository = new MemoryKeyRepository());

    /// <summary>The process does not start when the secret of <see cref="SharedKeyOptions"/> is missing or malformed.</summary>
    public static WebApplicationBuilder AddSharedDataProtection(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SharedKeyOptions>().Bind(builder.Configuration.GetSection(SharedKeyOptions.Section))
            .ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddDataProtection().SetApplicationName("hpcbilling").DisableAutomaticKeyGeneration();
        builder.Services.AddOptions<KeyManagementOptions>().Configure<IOptions<SharedKeyOptions>>((options, shared) =>
            options.XmlRepository = new SecretKeyRepository(
                Convert.FromBase64String(shared.Value.MasterKey),
                shared.Value.MasterKeyPrevious is { } previous ? Convert.FromBase64String(previous) : null));
        return builder;
    }
}

/// <summary>Section <c>DataProtection</c>.</summary>
public sealed class SharedKeyOptions
{
    public const string Section = "DataProtection";

    private const int Base64OfSixtyFourBytes = 88;

    /// <summary>Secret that the key ring is derived from: base64 of at least 64 random bytes.</summary>
    [Required(ErrorMessage = "DataProtection:MasterKey is missing: forms could not be protected")]
    [Base64String(ErrorMessage = "DataProtection:MasterKey must be base64")]
    [MinLength(Base64OfSixtyFourBytes, ErrorMessage = "DataProtection:MasterKey must be base64 of at least 64 random bytes")]
    public string MasterKey { get; set; } = "";

    /// <summary>During a rotation: another secret whose protected texts can be read too; nothing new is protected with it.</summary>
    [Base64String(ErrorMessage = "DataProtection:MasterKeyPrevious must be base64")]
    [MinLength(Base64OfSixtyFourBytes, ErrorMessage = "DataProtection:MasterKeyPrevious must be base64 of at least 64 random bytes")]
    public string? MasterKeyPrevious { get; set; }
}

/// <summary>A key ring that is the secret itself, and during a rotation a second one to read with.</summary>
internal sealed class SecretKeyRepository(byte[] master, byte[]? previous) : IXmlRepository
{
    // The ring protects with the key that was activated last.
    private readonly XElement[] keys = previous is null
        ? [Key(master, "2024-01-02T00:00:00Z")]
        : [Key(master, "2024-01-02T00:00:00Z"), Key(previous, "2024-01-01T00:00:00Z")];

    public IReadOnlyCollection<XElement> GetAllElements() => [.. keys.Select(key => new XElement(key))];

    public void StoreElement(XElement element, string friendlyName) =>
        throw new NotSupportedException("The key ring comes from configuration and is not written to.");

    private static XElement Key(byte[] master, string activation)
    {
        // The id names the key without telling it; the dates are fixed, for the secret's owner decides when it ends.
        var id = new Guid(SHA256.HashData(master).AsSpan(0, 16));
        string value = Convert.ToBase64String(HKDF.DeriveKey(HashAlgorithmName.SHA512, master, 64, info: Encoding.ASCII.GetBytes("hpcbilling data protection")));
        return XElement.Parse($"""
            <key id="{id}" version="1">
              <creationDate>{activation}</creationDate>
              <activationDate>{activation}</activationDate>
              <expirationDate>9000-01-01T00:00:00Z</expirationDate>
              <descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection">
                <descriptor>
                  <encryption algorithm="AES_256_CBC" />
                  <validation algorithm="HMACSHA256" />
                  <masterKey><value>{value}</value></masterKey>
                </descriptor>
              </descriptor>
            </key>
            """);
    }
}

/// <summary>Keys that end with the process.</summary>
internal sealed class MemoryKeyRepository : IXmlRepository
{
    private readonly ConcurrentBag<XElement> keys = [];

    public IReadOnlyCollection<XElement> GetAllElements() => [.. keys.Select(key => new XElement(key))];

    public void StoreElement(XElement element, string friendlyName) => keys.Add(element);
}
