using HpcBilling.Gateway.Credentials;
using HpcBilling.Gateway.Errors;
using HpcBilling.Gateway.Hardening;
using HpcBilling.Gateway.Routes;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Health;
using HpcBilling.ServiceDefaults.Protection;

var builder = WebApplication.CreateBuilder(args);
builder.AddProcessDefaults("gateway");
builder.AddSharedDataProtection();
builder.AddErrorAnswers();
builder.AddListeners();
builder.AddCredentials();
builder.AddRateLimits();
builder.AddRoutes();

var app = builder.Build();
app.UseRequestLog();
app.UseMiddleware<OutgoingHeaders>();
app.UseErrorAnswers();
app.UseMiddleware<FrontDoor>();
app.UseRouting();
app.UseRateLimiter();
app.UseRequestTimeouts();
app.MapHealth();
app.MapRoutes();
await app.RunAsync();
