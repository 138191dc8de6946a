using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Tokens;

/// <summary>HTTP Basic authentication of OAuth clients (RFC 6749 §2.3.1).</summary>
internal sealed class ClientAuthentication(IOptions<IdentityOptions> options)
{
    public const string GatewayId = "gateway";

    /// <returns>Null for an unknown client or a wrong secret.</returns>
    public AuthenticatedClient? Find(HttpRequest request)
    {
        if (Parse(request.Headers.Authorization) is not var (id, secret)) return null;
        if (id == GatewayId) return Same(secret, options.Value.GatewayClientSecret) ? new AuthenticatedClient.Gateway() : null;
        ClientOptions? client = options.Value.Clients.FirstOrDefault(client => client.Id == id);
        return client is not null && Same(secret, client.Secret) ? new AuthenticatedClient.Machine(client) : null;
    }

    private static (string Id, string Secret)? Parse(string? header)
    {
        if (!AuthenticationHeaderValue.TryParse(header, out AuthenticationHeaderValue? basic)
            || !"Basic".Equals(basic.Scheme, StringComparison.OrdinalIgnoreCase)
            || basic.Parameter is not { Length: <= 1024 } encoded) return null;
        byte[] bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, bytes, out int length)) return null;
        string[] parts = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
        return parts.Length == 2 ? (Uri.UnescapeDataString(parts[0]), Uri.UnescapeDataString(parts[1])) : null;
    }

    // Over the hashes, so that neither content nor length shows in the time.
    private static bool Same(string given, string expected) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
}

internal abstract record AuthenticatedClient
{
    private AuthenticatedClient() { }

    /// <summary>The only one that may exchange what a user presented.</summary>
    internal sealed record Gateway : AuthenticatedClient;

    internal sealed record Machine(ClientOptions Options) : AuthenticatedClient;
}
