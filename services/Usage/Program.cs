using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;
using HpcBilling.Usage.ExportingRuns;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Quarantine;
using HpcBilling.Usage.Reconciling;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Sources;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("usage");
builder.AddDatabase("usage");
builder.AddMessaging("usage");
builder.Services.AddJobs();
builder.Services.AddRecording();
builder.Services.AddPolling();
builder.Services.AddSources();
builder.Services.AddQuarantine();
builder.Services.AddJobHandler<ExportHandler>();
builder.AddReconciling();

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();

app.MapJobs();
app.MapImports();
app.MapExports();
app.MapClusters();
app.MapSources();
app.MapReconciliations();
app.MapQuarantine();

await app.RunServiceAsync(args);
