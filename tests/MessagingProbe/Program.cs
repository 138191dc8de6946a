using HpcBilling.Contracts;
using HpcBilling.MessagingProbe;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("probe");
builder.AddDatabase("probe");
builder.Services.AddSingleton<RelayObserver, CrashingObserver>();
builder.AddMessaging("probe", bus =>
{
    if (!builder.Configuration.GetValue<bool>("Deaf")) bus.Consume<PaymentSettled, CountSettlement>(message => message.OrgId);
});

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();
Saying.Map(app);
Guarded.Map(app);
await app.RunServiceAsync(args);
