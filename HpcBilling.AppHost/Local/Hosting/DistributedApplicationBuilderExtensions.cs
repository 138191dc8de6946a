namespace Aspire.Hosting;

/// <summary>What AppHost.cs can add. In Aspire these come with the hosting packages.</summary>
public static class DistributedApplicationBuilderExtensions
{
    private const string ParameterSection = "Parameters";

    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, () => Configured(builder, name) ?? throw Missing(name), secret));

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, string value, bool publishValueAsDefault = false, bool secret = false)
    {
        _ = publishValueAsDefault;
        return builder.AddResource(new ParameterResource(name, () => value, secret));
    }

    /// <summary>Configuration wins; else the value generated at the first start and kept.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret = false, bool persist = false)
    {
        if (!persist)
            throw new NotSupportedException("A generated value that is not kept would lock the owner out of his data.");
        return builder.AddResource(new ParameterResource(
            name, () => Configured(builder, name) ?? ((DistributedApplicationBuilder)builder).Secret(name, value), secret));
    }

    /// <summary>A private server, or the one that ConnectionStrings:{name} gives.</summary>
    public static IResourceBuilder<PostgresServerResource> AddPostgres(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddResource(new PostgresServerResource(name));

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null)
    {
        builder.Resource.Databases.Add(databaseName ?? name);
        return builder.ApplicationBuilder.AddResource(new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource));
    }

    /// <inheritdoc cref="AddPostgres"/>
    public static IResourceBuilder<RabbitMQServerResource> AddRabbitMQ(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddResource(new RabbitMQServerResource(name));

    /// <summary>There are no launch profiles here; the parameter keeps Aspire's signature.</summary>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName = null)
        where TProject : IProjectMetadata, new()
    {
        _ = launchProfileName;
        return builder.AddResource(new ProjectResource(name, new TProject().AssemblyPath));
    }

    private static string? Configured(IDistributedApplicationBuilder builder, string name) => builder.Configuration[$"{ParameterSection}:{name}"];

    private static DistributedApplicationException Missing(string name) =>
        new($"Parameter '{name}' has no value: set {ParameterSection}__{name} in the environment.");
}
