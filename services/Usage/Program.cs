using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;
using HpcBilling.Usage;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Quarantine;
using HpcBilling.Usage.RecordingUsage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("usage");
builder.AddDatabase("usage");
builder.AddMessaging("usage");
builder.Services.AddMessageSource<UsageRecorded, UsageRecordedSource>();
builder.Services.AddOptions<UsageOptions>().BindConfiguration(UsageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<Spool>();
builder.Services.AddSingleton<ImportSignal>();
builder.Services.AddSingleton<ImportQueue>();
builder.Services.AddSingleton<RunImport>();
builder.Services.AddHostedService<ImportWorker>();
builder.Services.AddHostedService<TidySpool>();
builder.Services.AddPolling();
builder.Services.AddQuarantine();

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();

RouteGroupBuilder imports = app.MapGroup("/api/v1/imports");
RouteGroupBuilder jobs = app.MapGroup("/api/v1/jobs").RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
CreateImport.Map(imports);
ReceiveContent.Map(imports);
ReadImports.Map(imports, jobs);
ReadClusters.Map(app.MapGroup("/api/v1/clusters"));
app.MapQuarantine();

await app.RunServiceAsync(args);
