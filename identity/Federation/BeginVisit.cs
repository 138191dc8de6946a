using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace HpcBilling.Identity.Federation;

/// <summary>Where to send a browser that is to sign in at a provider: authorization code with PKCE, state and nonce.</summary>
internal sealed class BeginVisit(Providers providers, VisitCookie cookie)
{
    /// <returns>Address at the provider; null when there is no such provider.</returns>
    /// <exception cref="ProviderException">It cannot be reached.</exception>
    public async Task<string?> RunAsync(HttpContext http, string providerId, string? returnUrl, Guid? linkUserId, CancellationToken cancellation)
    {
        if (providers.Find(providerId) is not { } provider) return null;
        OpenIdConnectConfiguration metadata = await provider.ReadMetadataAsync(cancellation);
        var visit = PendingVisit.New(providerId, returnUrl, linkUserId);
        var request = new OpenIdConnectMessage
        {
            IssuerAddress = metadata.AuthorizationEndpoint,
            ClientId = provider.Options.ClientId,
            RedirectUri = RedirectUri(http.Request, providerId),
            ResponseType = OpenIdConnectResponseType.Code,
            Scope = provider.Options.Scopes,
            State = visit.State,
            Nonce = visit.Nonce,
        };
        request.SetParameter("code_challenge", visit.Challenge);
        request.SetParameter("code_challenge_method", "S256");
        cookie.Set(http.Response, visit);
        return request.CreateAuthenticationRequestUrl();
    }

    // As the browser sees us; the provider knows the addresses that it may send an answer to.
    public static string RedirectUri(HttpRequest request, string providerId) => $"{request.Scheme}://{request.Host}/login/with/{providerId}/callback";
}
