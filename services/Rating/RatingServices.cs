using HpcBilling.Rating.Domain;
using HpcBilling.Rating.IssuingReceipts;
using HpcBilling.Rating.PublishingTariffs;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating;

internal static class RatingServices
{
    public static WebApplicationBuilder AddRating(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RatingOptions>().Bind(builder.Configuration.GetSection(RatingOptions.Section))
            .ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<RatingOptions>, RatingOptionsCheck>();
        builder.Services.AddSingleton(services => new SiteCalendar(
            TimeZoneInfo.FindSystemTimeZoneById(services.GetRequiredService<IOptions<RatingOptions>>().Value.TimeZone)));
        builder.Services.AddSingleton<Apportioning>();
        builder.Services.AddSingleton<Repricing>();
        builder.Services.AddSingleton<IssueReceipt>();
        builder.Services.AddSingleton<ReceiptRunLedger>();
        builder.Services.AddHostedService<ReceiptRunWorker>();
        builder.Services.AddHostedService<CountPendingAdjustments>();
        if (builder.Environment.IsDevelopment()) builder.Services.AddSingleton<IDevelopmentSeed, DemoTariffs>();
        return builder;
    }
}
