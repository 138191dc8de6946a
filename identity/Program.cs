using HpcBilling.Contracts;
using HpcBilling.Identity;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;
using HpcBilling.ServiceDefaults.Protection;
using HpcBilling.Ui;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("identity");
builder.AddDatabase("identity");
builder.AddMessaging("identity", bus => bus.MayGoUnheard<CredentialsRevoked>());
builder.AddSharedDataProtection();
builder.AddPages();
builder.AddIdentity();

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();
app.UsePages();
app.MapIdentity();
await app.RunServiceAsync(args);
