using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;
using HpcBilling.Usage;
using HpcBilling.Usage.ExportingRuns;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.RecordingUsage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("usage");
builder.AddDatabase("usage");
builder.AddMessaging("usage");
builder.Services.AddMessageSource<UsageRecorded, UsageRecordedSource>();
builder.Services.AddOptions<UsageOptions>().BindConfiguration(UsageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<Spool>();
builder.Services.AddSingleton<RunImport>();
builder.Services.AddJobs().AddJobHandler<ImportHandler>().AddJobHandler<ExportHandler>();
builder.Services.AddHostedService<TidySpool>();
builder.Services.AddPolling();

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();

RouteGroupBuilder imports = app.MapGroup("/api/v1/imports");
CreateImport.Map(imports);
ReceiveContent.Map(imports);
ReadImports.Map(imports);
JobEndpoints.Map(app.MapGroup("/api/v1/jobs"));
Exports.Map(app.MapGroup("/api/v1/exports"));
ReadClusters.Map(app.MapGroup("/api/v1/clusters"));

await app.RunServiceAsync(args);
