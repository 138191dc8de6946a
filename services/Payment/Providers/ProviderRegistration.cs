using HpcBilling.Payment.Providers.Dummy;
using Microsoft.AspNetCore.Mvc.ApplicationModels;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Payment.Providers;

internal static class ProviderRegistration
{
    private const string DummyPage = "/Dummy";
    private const int WebhookTimeoutSeconds = 10;

    /// <summary>The providers of this environment. The dummy one exists in Development alone: elsewhere neither its page nor its webhook is routed.</summary>
    public static WebApplicationBuilder AddProviders(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ProviderDirectory>();
        if (builder.Environment.IsDevelopment()) builder.AddDummy();
        else builder.Services.Configure<RazorPagesOptions>(pages => pages.Conventions.AddPageRouteModelConvention(DummyPage, Unroute));
        return builder;
    }

    private static void AddDummy(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<DummyOptions>().BindConfiguration(DummyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<IPaymentProvider, DummyProvider>();
        builder.Services.AddSingleton<DummyCheckouts>();
        builder.Services.AddSingleton<DummyWebhookSender>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DummyWebhookSender>());
        builder.Services.AddHttpClient(DummyWebhookSender.Client, client => client.Timeout = TimeSpan.FromSeconds(WebhookTimeoutSeconds))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false });
    }

    private static void Unroute(PageRouteModel page) => page.Selectors.Clear();
}
