using HpcBilling.Audit.AppendingEntries;
using HpcBilling.Audit.ReadingEntries;
using HpcBilling.Audit.VerifyingChain;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.ServiceDefaults.Messaging;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("audit");
builder.AddDatabase("audit");
builder.AddMessaging("audit", bus => bus.ConsumeBatch<AuditRecorded, AppendActs>(act => act.OrgId, AppendActs.ActsMax));

var app = builder.Build();
if (await app.MigrateIfAskedAsync(args)) return;
app.UseServiceDefaults();

RouteGroupBuilder audit = app.MapGroup("/api/v1/audit").RequireAuthorization(Policies.Operator, Policies.Scope("audit.read"));
ListEntries.Map(audit);
ExportChain.Map(audit);
VerifyChain.Map(audit);
await app.RunServiceAsync(args);
