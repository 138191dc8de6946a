namespace HpcBilling.AppHost;

/// <summary>What the services of this system have in common, so that AppHost.cs says only what sets them apart.</summary>
internal static class ServiceResources
{
    private const int HttpsPortDefault = 8443;
    private const int HttpPortDefault = 8080;

    /// <summary>A web service inside the system: plain HTTP, healthy when /readyz says so.</summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() =>
        builder.AddProject<TProject>(name, launchProfileName: null).WithHttpEndpoint().WithHttpHealthCheck("/readyz");

    /// <summary>
    /// A service with its own database. Its serving role has no DDL: the schema is the work of `{name}-migrate`, the same program
    /// run to completion with the owner's connection string, which also makes that role.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(
        this IDistributedApplicationBuilder builder, string name, IResourceBuilder<PostgresServerResource> postgres)
        where TProject : IProjectMetadata, new()
    {
        var database = postgres.AddDatabase($"{name}-db", databaseName: name);
        var key = $"ConnectionStrings__{name}";
        var serving = builder.ServingConnection(database.Resource);
        var migrate = builder.AddProject<TProject>($"{name}-migrate", launchProfileName: null)
            .WithArgs("migrate")
            .WithReference(database, connectionName: $"{name}-owner")
            .WithEnvironment(key, serving)
            .WaitFor(database);
        return builder.AddService<TProject>(name).WithEnvironment(key, serving).WaitForCompletion(migrate);
    }

    /// <summary>The one door: HTTPS, and HTTP that leads there.</summary>
    public static IResourceBuilder<ProjectResource> AddGateway<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new()
    {
        var httpsPort = builder.Configuration.GetValue(ConfigurationKeys.HttpsPort, HttpsPortDefault);
        var httpPort = builder.Configuration.GetValue(ConfigurationKeys.HttpPort, httpsPort == 0 ? 0 : HttpPortDefault);
        var gateway = builder.AddProject<TProject>(name, launchProfileName: null)
            .WithHttpsEndpoint(port: AnyIfZero(httpsPort))
            .WithHttpEndpoint(port: AnyIfZero(httpPort))
            .WithExternalHttpEndpoints()
            .WithHttpHealthCheck("/readyz", endpointName: "http");
        var port = gateway.GetEndpoint("https").Property(EndpointProperty.Port);
        return gateway.WithEnvironment("Gateway__HttpsPort", ReferenceExpression.Create($"{port}"));
    }

    /// <summary>
    /// Validates the tokens of identity for itself. They are issued under the address that the public sees; their keys are fetched
    /// inside the system.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithTokens(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ProjectResource> identity, IResourceBuilder<ProjectResource> gateway)
    {
        var issuer = gateway.GetEndpoint("https");
        var metadata = ReferenceExpression.Create($"{identity.GetEndpoint("http")}/.well-known/openid-configuration");
        return service
            .WithEnvironment("Auth__Issuer", issuer)
            .WithEnvironment("Auth__MetadataAddress", metadata)
            .WithEnvironment("Auth__Audience", service.Resource.Name)
            .WithEnvironment("Gateway__PublicUrl", issuer);
    }

    /// <summary>The tenants of the configuration, each with an admin of its own.</summary>
    public static IResourceBuilder<ProjectResource> WithOrgs(this IResourceBuilder<ProjectResource> identity, IDistributedApplicationBuilder builder)
    {
        foreach (var org in builder.Configuration.GetSection(ConfigurationKeys.Orgs).GetChildren())
        {
            var slug = org["Slug"] ?? throw new InvalidOperationException($"{org.Path}:Slug is missing.");
            identity.WithEnvironment($"Identity__Orgs__{org.Key}__Slug", slug)
                .WithEnvironment($"Identity__Orgs__{org.Key}__Name", org["Name"] ?? slug)
                .WithEnvironment($"Identity__Orgs__{org.Key}__AdminPassword", builder.AddPassword(WellKnown.OrgAdminPassword + slug));
        }

        return identity;
    }

    /// <summary>Clusters of the configuration, what admins may add to them, and how they are read: sections of the AppHost's own configuration, as they stand there.</summary>
    public static IResourceBuilder<ProjectResource> WithSources(this IResourceBuilder<ProjectResource> usage, IDistributedApplicationBuilder builder)
    {
        foreach (var section in ConfigurationKeys.Sources)
        {
            foreach (var (key, value) in builder.Configuration.GetSection(section).AsEnumerable())
            {
                if (value is not null)
                    usage.WithEnvironment(key.Replace(":", "__", StringComparison.Ordinal), value);
            }
        }

        return usage;
    }

    /// <summary>A service that asks others in its own name, for whichever org it works; beside the clients of the site's own configuration.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceClient(
        this IResourceBuilder<ProjectResource> identity, string service, IResourceBuilder<ParameterResource> secret, string scopes, string audience) => identity
        .WithEnvironment($"Identity__Clients__{service}__Id", service)
        .WithEnvironment($"Identity__Clients__{service}__Secret", secret)
        .WithEnvironment($"Identity__Clients__{service}__Scopes", scopes)
        .WithEnvironment($"Identity__Clients__{service}__Audience", audience)
        .WithEnvironment($"Identity__Clients__{service}__EveryOrg", "true");

    /// <summary>Calls each of them over HTTP.</summary>
    public static IResourceBuilder<ProjectResource> Calls(
        this IResourceBuilder<ProjectResource> service, params ReadOnlySpan<IResourceBuilder<ProjectResource>> others)
    {
        foreach (var other in others)
            service.WithReference(other);
        return service;
    }

    /// <summary>Is not started before each of them is healthy.</summary>
    public static IResourceBuilder<ProjectResource> After(
        this IResourceBuilder<ProjectResource> service, params ReadOnlySpan<IResourceBuilder<ProjectResource>> others)
    {
        foreach (var other in others)
            service.WaitFor(other);
        return service;
    }

    public static IResourceBuilder<ProjectResource> WithMessages(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<RabbitMQServerResource> broker) => service.WithReference(broker).WaitFor(broker);

    private static ReferenceExpression ServingConnection(this IDistributedApplicationBuilder builder, PostgresDatabaseResource database)
    {
        var password = builder.AddPassword($"{database.DatabaseName}-app-password", length: 32);
        var options = builder.Configuration[ConfigurationKeys.PostgresOptions] ?? "SSL Mode=Prefer";
        var server = database.Parent.PrimaryEndpoint;
        return ReferenceExpression.Create(
            $"Host={server.Property(EndpointProperty.Host)};Port={server.Property(EndpointProperty.Port)};Database={database.DatabaseName};Username={database.DatabaseName}_app;Password={password};{options}");
    }

    private static int? AnyIfZero(int port) => port == 0 ? null : port;
}
