using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.Ui.Backend;

public static class BackendServices
{
    /// <summary>For hosts whose pages show what other services know; the host adds their addresses with <c>AddServiceClient</c>.</summary>
    public static IServiceCollection AddBackend(this IServiceCollection services) =>
        services.AddHttpClient().AddSingleton<ServiceApi>().AddSingleton<RatingClient>();
}
