using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace HpcBilling.Identity.Federation;

/// <summary>A configured provider, with what its discovery document says.</summary>
internal sealed class Provider(ProviderOptions options, ConfigurationManager<OpenIdConnectConfiguration> metadata)
{
    public ProviderOptions Options { get; } = options;

    public ConfigurationManager<OpenIdConnectConfiguration> Metadata { get; } = metadata;

    /// <exception cref="ProviderException">It cannot be reached, or its document is another issuer's.</exception>
    public async Task<OpenIdConnectConfiguration> ReadMetadataAsync(CancellationToken cancellation)
    {
        OpenIdConnectConfiguration document;
        try
        {
            document = await Metadata.GetConfigurationAsync(cancellation);
        }
        catch (Exception failure) when (failure is InvalidOperationException or IOException or HttpRequestException)
        {
            throw new ProviderException(SignInFault.Unreachable, "no discovery document: " + failure.Message, failure);
        }

        return document.Issuer?.TrimEnd('/') == Options.Authority.TrimEnd('/')
            ? document
            : throw new ProviderException(SignInFault.Unverified, $"its discovery document is of the issuer {document.Issuer}");
    }
}

/// <summary>The providers of <c>Identity:Providers</c>.</summary>
internal sealed class Providers(IOptions<IdentityOptions> options, IHttpClientFactory clients, IHostEnvironment environment)
{
    public const string HttpClient = "identity providers";

    private readonly Provider[] providers = [.. options.Value.Providers.Select(provider => Make(provider, clients, environment))];

    public IReadOnlyList<ProviderOptions> All => [.. providers.Select(provider => provider.Options)];

    public Provider? Find(string id) => Array.Find(providers, provider => provider.Options.Id == id);

    private static Provider Make(ProviderOptions options, IHttpClientFactory clients, IHostEnvironment environment)
    {
        bool https = environment.IsProduction() && !new Uri(options.Authority).IsLoopback;
        var documents = new HttpDocumentRetriever(clients.CreateClient(HttpClient)) { RequireHttps = https };
        string address = options.Authority.TrimEnd('/') + "/.well-known/openid-configuration";
        var metadata = new ConfigurationManager<OpenIdConnectConfiguration>(address, new OpenIdConnectConfigurationRetriever(), documents)
        {
            UseLastKnownGoodConfiguration = false, // a key that the provider has dropped is worth nothing
            AutomaticRefreshInterval = ConfigurationManager<OpenIdConnectConfiguration>.MinimumAutomaticRefreshInterval,
            RefreshInterval = TimeSpan.FromSeconds(10),
        };
        return new Provider(options, metadata);
    }
}
