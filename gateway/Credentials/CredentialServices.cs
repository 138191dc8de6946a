using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Startup;

namespace HpcBilling.Gateway.Credentials;

internal static class CredentialServices
{
    private const string SecretKey = "Gateway:ClientSecret";

    public static WebApplicationBuilder AddCredentials(this WebApplicationBuilder builder)
    {
        string secret = builder.Require(SecretKey, "no session could be turned into a token");
        builder.AddServiceClient("identity");
        builder.Services.AddSingleton(new GatewaySecret(secret)).AddSingleton<TokenExchange>().AddSingleton<TokenCache>();
        builder.Services.AddAntiforgery(options =>
        {
            options.Cookie.Name = PublicCookies.Csrf;
            options.Cookie.SecurePolicy = CookieSecurePolicy.Always;
            options.HeaderName = CsrfGuard.Header;
            options.SuppressReadingTokenFromFormBody = true; // the body belongs to the service
        });
        return builder;
    }
}
