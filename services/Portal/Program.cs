using HpcBilling.Portal.Files;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Protection;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("portal");
builder.AddSharedDataProtection();
builder.AddPages();
builder.AddServiceClient("rating");
builder.Services.AddBackend();

var app = builder.Build();
app.UseServiceDefaults();
app.UsePages();
UsageFile.Map(app);
ReceiptFile.Map(app);
await app.RunServiceAsync(args);
