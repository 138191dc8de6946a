using HpcBilling.Contracts;
using HpcBilling.Rating;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.Rating.SettlingReceipts;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("rating");
builder.AddDatabase("rating");
builder.AddMessaging("rating", bus => bus
    .Consume<UsageRecorded, StoreRecordedUsage>(message => message.OrgId)
    .Consume<UsageCorrected, StoreRecordedUsage>(message => message.OrgId)
    .Consume<PaymentSettled, SettleReceipt>(message => message.OrgId)
    .MayGoUnheard<TariffPublished>());
builder.AddRating();

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();
app.MapRating();
await app.RunServiceAsync(args);
