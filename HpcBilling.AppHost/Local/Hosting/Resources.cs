using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The part of Aspire's application model that AppHost.cs uses, for processes of this machine.</summary>
public interface IResource
{
    string Name { get; }

    Collection<IResourceAnnotation> Annotations { get; }
}

public interface IResourceAnnotation;

public interface IResourceWithEnvironment : IResource;

public interface IResourceWithArgs : IResource;

public interface IResourceWithEndpoints : IResource;

public interface IResourceWithWaitSupport : IResource;

public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

public interface IResourceWithConnectionString : IResource
{
    ReferenceExpression ConnectionStringExpression { get; }
}

public interface IResourceBuilder<out T>
    where T : IResource
{
    IDistributedApplicationBuilder ApplicationBuilder { get; }

    T Resource { get; }
}

public abstract class Resource(string name) : IResource
{
    public string Name { get; } = name;

    public Collection<IResourceAnnotation> Annotations { get; } = [];
}

public sealed class ProjectResource(string name, string assemblyPath)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport
{
    public string AssemblyPath { get; } = assemblyPath;
}

public sealed class ParameterResource(string name, Func<string> value, bool secret) : Resource(name), IValueProvider, IManifestExpressionProvider
{
    public bool Secret { get; } = secret;

    public string ValueExpression => $"{{{Name}.value}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(value());
}

public sealed class PostgresServerResource : Resource, IResourceWithConnectionString, IResourceWithEndpoints, IResourceWithWaitSupport
{
    public PostgresServerResource(string name)
        : base(name)
    {
        Annotations.Add(new EndpointAnnotation("tcp", "postgresql"));
        PrimaryEndpoint = new EndpointReference(this, "tcp");
    }

    public EndpointReference PrimaryEndpoint { get; }

    public ReferenceExpression ConnectionStringExpression => ConnectionStringOf("postgres");

    /// <summary>Superuser's connection string by database; the engine sets it when it knows the server.</summary>
    internal Func<string, string>? Connect { get; set; }

    internal List<string> Databases { get; } = [];

    internal ReferenceExpression ConnectionStringOf(string database) => ReferenceExpression.Deferred(
        () => (Connect ?? throw new InvalidOperationException($"{Name} is not allocated yet."))(database));
}

public sealed class PostgresDatabaseResource(string name, string databaseName, PostgresServerResource parent)
    : Resource(name), IResourceWithConnectionString
{
    public PostgresServerResource Parent { get; } = parent;

    public string DatabaseName { get; } = databaseName;

    public ReferenceExpression ConnectionStringExpression => Parent.ConnectionStringOf(DatabaseName);
}

public sealed class RabbitMQServerResource : Resource, IResourceWithConnectionString, IResourceWithEndpoints, IResourceWithWaitSupport
{
    public RabbitMQServerResource(string name)
        : base(name)
    {
        Annotations.Add(new EndpointAnnotation("tcp", "amqp"));
        PrimaryEndpoint = new EndpointReference(this, "tcp");
    }

    public EndpointReference PrimaryEndpoint { get; }

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Deferred(
        () => ConnectionString ?? throw new InvalidOperationException($"{Name} is not allocated yet."));

    internal string? ConnectionString { get; set; }
}
