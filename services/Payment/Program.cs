using HpcBilling.Contracts;
using HpcBilling.Payment.Providers;
using HpcBilling.Payment.ReceivingWebhooks;
using HpcBilling.Payment.RequestingPayment;
using HpcBilling.Payment.Settling;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;
using HpcBilling.ServiceDefaults.Protection;
using HpcBilling.Ui;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("payment");
builder.AddDatabase("payment");
builder.AddMessaging("payment", bus => bus.Consume<ReceiptIssued, OpenPayable>(receipt => receipt.OrgId));
builder.AddSharedDataProtection();
builder.AddPages();
builder.AddProviders();
builder.Services.AddSingleton<StartPayment>();
builder.Services.AddSingleton<WebhookEvents>();
builder.Services.AddSingleton<WebhookRejections>();

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();
app.UsePages();

ReceiveWebhook.Map(app);
RouteGroupBuilder payments = app.MapGroup("/api/v1/payments");
ListPayments.Map(payments);
SettleByHand.Map(payments);
await app.RunServiceAsync(args);
