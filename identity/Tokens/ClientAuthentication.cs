using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Tokens;

/// <summary>Who an OAuth client is: secret in the header or the form (RFC 6749 §2.3.1), or an assertion that it signed (RFC 7523).</summary>
internal sealed class ClientAuthentication(IOptions<IdentityOptions> options, ClientAssertion assertions)
{
    public const string GatewayId = "gateway";
    private const int BasicCharactersMax = 1024;

    public static readonly IReadOnlyList<string> Methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

    public async Task<ClientOutcome> FindAsync(HttpRequest request, IFormCollection form, CancellationToken cancellation)
    {
        bool hasHeader = request.Headers.Authorization.Count > 0;
        bool hasSecret = form.ContainsKey("client_secret");
        bool hasAssertion = form.ContainsKey("client_assertion");
        if ((hasHeader ? 1 : 0) + (hasSecret ? 1 : 0) + (hasAssertion ? 1 : 0) > 1)
            return new ClientOutcome.Malformed("Authenticate in one way: header, secret in the body, or assertion.");

        AuthenticatedClient? client = (hasHeader, hasSecret, hasAssertion) switch
        {
            (true, _, _) => Parse(request.Headers.Authorization) is var (id, secret) ? BySecret(id, secret) : null,
            (_, true, _) => BySecret(form["client_id"].ToString(), form["client_secret"].ToString()),
            (_, _, true) => await ByAssertionAsync(form, cancellation),
            _ => null,
        };
        if (client is not null) return new ClientOutcome.Authenticated(client);
        return hasHeader || hasSecret || hasAssertion ? new ClientOutcome.Refused() : new ClientOutcome.None();
    }

    private AuthenticatedClient? BySecret(string id, string secret)
    {
        if (id == GatewayId) return options.Value.GatewaySecretsInForce.Any(expected => Same(secret, expected)) ? new AuthenticatedClient.Gateway() : null;
        ClientOptions? client = options.Value.Clients.FirstOrDefault(client => client.Id == id);
        return client is not null && client.SecretsInForce.Any(expected => Same(secret, expected)) ? new AuthenticatedClient.Machine(client) : null;
    }

    private async Task<AuthenticatedClient?> ByAssertionAsync(IFormCollection form, CancellationToken cancellation)
    {
        if (form["client_assertion_type"] != ClientAssertion.Type) return null;
        ClientOptions? client = await assertions.ValidateAsync(form["client_assertion"].ToString(), cancellation);
        bool saysSo = !form.TryGetValue("client_id", out var said) || said == client?.Id;
        return client is not null && saysSo ? new AuthenticatedClient.Machine(client) : null;
    }

    private static (string Id, string Secret)? Parse(string? header)
    {
        if (!AuthenticationHeaderValue.TryParse(header, out AuthenticationHeaderValue? basic)
            || !"Basic".Equals(basic.Scheme, StringComparison.OrdinalIgnoreCase)
            || basic.Parameter is not { Length: <= BasicCharactersMax } encoded) return null;
        byte[] bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, bytes, out int length)) return null;
        string[] parts = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
        return parts.Length == 2 ? (FormDecoded(parts[0]), FormDecoded(parts[1])) : null;
    }

    // Both were encoded as form values, in which a space is a plus.
    private static string FormDecoded(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

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

internal abstract record ClientOutcome
{
    private ClientOutcome() { }

    internal sealed record Authenticated(AuthenticatedClient Client) : ClientOutcome;

    /// <summary>It did not try.</summary>
    internal sealed record None : ClientOutcome;

    /// <summary>Unknown, or not who it says; which of them is not said.</summary>
    internal sealed record Refused : ClientOutcome;

    internal sealed record Malformed(string Reason) : ClientOutcome;
}
