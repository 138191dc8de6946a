using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Federation;

internal static class FederationServices
{
    private const int TimeoutSeconds = 10;
    private const int AnswerBytesMax = 1024 * 1024;

    public static void AddFederation(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<IdentityOptions>, ProviderOptionsCheck>()
            .AddSingleton<Providers>().AddSingleton<VisitCookie>().AddSingleton<BeginVisit>().AddSingleton<CodeRedemption>()
            .AddSingleton<FederatedAccounts>().AddSingleton<EndVisit>();
        builder.Services.AddHttpClient(Providers.HttpClient, client =>
            {
                client.Timeout = TimeSpan.FromSeconds(TimeoutSeconds);
                client.MaxResponseContentBufferSize = AnswerBytesMax;
            })
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false });
    }
}
