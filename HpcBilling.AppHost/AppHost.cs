using HpcBilling.AppHost;

// The whole system on one page, in the order in which a Slurm record becomes a paid receipt. It is written against the hosting API
// of Aspire; the project file says which engine runs it.
var builder = DistributedApplication.CreateBuilder(args);
var development = builder.Environment.IsDevelopment();

var postgres = builder.AddPostgres("postgres");
var rabbitmq = builder.AddRabbitMQ("rabbitmq");
var masterKey = builder.AddMasterKey("data-protection-master-key");
var gatewaySecret = builder.AddPassword("gateway-client-secret", length: 43);
var usageSecret = builder.AddPassword("usage-client-secret", length: 43);

// The one door for browsers, the CLI and payment providers; from the broker it hears whose sessions have ended. Where it leads is said at the end.
var gateway = builder.AddGateway<Projects.Gateway>(WellKnown.Gateway)
    .WithMessages(rabbitmq)
    .WithEnvironment("DataProtection__MasterKey", masterKey)
    .WithEnvironment("Gateway__ClientSecret", gatewaySecret);

// Every act of every other service lands here, those of its first start too: so it is ready before them.
var audit = builder.AddService<Projects.Audit>("audit", postgres)
    .WithMessages(rabbitmq);

// Who is asking: sign-in, sessions, tokens.
var identity = builder.AddService<Projects.Identity>("identity", postgres)
    .WithMessages(rabbitmq).After(audit)
    .WithEnvironment("DataProtection__MasterKey", masterKey)
    .WithEnvironment("Identity__SigningKey", builder.AddSigningKey("identity-signing-key"))
    .WithEnvironment("Identity__GatewayClientSecret", gatewaySecret)
    .WithEnvironment("Identity__AdminPassword", builder.AddPassword(WellKnown.AdminPassword))
    .WithServiceClient("usage", usageSecret, scopes: "runs.classify", audience: "rating")
    .WithOrgs(builder);

// Slurm's records come in, are stored once, and go on as UsageRecorded.
var usage = builder.AddService<Projects.Usage>("usage", postgres)
    .WithMessages(rabbitmq).After(audit)
    .WithEnvironment("Usage__ClientSecret", usageSecret)
    .WithSources(builder)
    .WithEnvironment("Usage__SpoolPath", builder.Configuration["Usage:SpoolPath"] ?? Path.Combine(Path.GetTempPath(), "hpcbilling-usage-spool"));

// Prices them by tariff; issues receipts; learns from payment which are paid.
var rating = builder.AddService<Projects.Rating>("rating", postgres)
    .WithMessages(rabbitmq).After(audit);

// What became of each run, when a month is weighed against slurmdbd.
usage.Calls(identity, rating);

// Leads to a hosted checkout, and hears from the provider how it ended.
var payment = builder.AddService<Projects.Payment>("payment", postgres)
    .WithMessages(rabbitmq).After(audit)
    .WithEnvironment("DataProtection__MasterKey", masterKey);

// Pages for researchers, and for finance and administrators.
var portal = builder.AddService<Projects.Portal>("portal")
    .Calls(identity, usage, rating, payment)
    .WithEnvironment("DataProtection__MasterKey", masterKey);
var admin = builder.AddService<Projects.Admin>("admin")
    .Calls(identity, usage, rating, payment, audit)
    .WithEnvironment("DataProtection__MasterKey", masterKey);

// The door opens when everything behind it is ready.
gateway.Calls(identity, usage, rating, payment, audit, portal, admin)
    .After(identity, usage, rating, payment, audit, portal, admin);

foreach (var service in (IResourceBuilder<ProjectResource>[])[gateway, audit, identity, usage, rating, payment, portal, admin])
    service.WithTokens(identity, gateway);

// Demo users, a provider that takes no money, and a sample log imported the way any other is: through the gateway.
if (development)
{
    var token = builder.AddAccessToken(WellKnown.DemoToken, prefix: "hpcb_");
    identity.WithEnvironment("Identity__DemoPassword", builder.AddPassword(WellKnown.DemoPassword))
        .WithEnvironment("Identity__DemoToken", token);
    payment.WithEnvironment("Payment__Dummy__WebhookSecret", builder.AddPassword("dummy-webhook-secret", length: 43));
    builder.AddProject<Projects.Cli>("demo-data", launchProfileName: null)
        .WithArgs("import", Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", "samples", "sacct-demo.psv")), "--wait")
        .WithEnvironment("HPCB_URL", gateway.GetEndpoint("https"))
        .WithEnvironment("HPCB_TOKEN", token)
        .WaitFor(gateway);
}

await builder.Build().RunAsync();
