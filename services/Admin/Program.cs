using HpcBilling.Admin;
using HpcBilling.Admin.Clients;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Protection;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc.RazorPages;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("admin");
builder.AddSharedDataProtection();
builder.AddPages();
builder.Services.Configure<RazorPagesOptions>(pages => pages.Conventions.AuthorizeFolder("/", Policies.Admin));
builder.AddServiceClient("identity");
builder.AddServiceClient("rating");
builder.AddServiceClient("usage");
builder.AddPatientServiceClient("usage");
builder.AddServiceClient("payment");
builder.AddServiceClient("audit");
builder.Services.AddBackend().AddAdminClients();
builder.Services.AddOptions<AdminOptions>().BindConfiguration(AdminOptions.Section).ValidateDataAnnotations().ValidateOnStart();

var app = builder.Build();
app.UseServiceDefaults();
app.UsePages();
await app.RunServiceAsync(args);
