using HpcBilling.AppHost;
using HpcBilling.AppHost.Local.Engine;
using HpcBilling.AppHost.Local.Postgres;
using HpcBilling.AppHost.Local.State;

namespace Aspire.Hosting;

public interface IProjectMetadata
{
    string ProjectPath { get; }

    /// <summary>What `dotnet` runs; Aspire would ask `dotnet run`.</summary>
    string AssemblyPath { get; }
}

public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    IHostEnvironment Environment { get; }

    string AppHostDirectory { get; }

    ICollection<IResource> Resources { get; }

    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    DistributedApplication Build();
}

/// <summary>Something in AppHost.cs, its configuration or this machine keeps the system from starting; the message says what.</summary>
public sealed class DistributedApplicationException(string message, Exception? cause = null) : Exception(message, cause);

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly AppHostOptions _options;
    private SecretStore? _secrets;

    public DistributedApplicationBuilder(AppHostOptions options)
    {
        _options = options;
        _host = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = options.EnvironmentName });
        _host.Configuration.AddEnvironmentVariables();
        _host.Configuration.AddInMemoryCollection(options.Configuration);
        // To try a cluster of one's own without setting anything: what an admin adds is asked on this machine alone.
        if (_host.Environment.IsDevelopment() && !_host.Configuration.GetSection(ConfigurationKeys.Reach).Exists())
            _host.Configuration.AddInMemoryCollection(options.LocalReach());
        _host.Configuration[ConfigurationKeys.PostgresOptions] ??= _host.Configuration.GetConnectionString("postgres") is { Length: > 0 } given
            ? PostgresServer.TransportOptionsOf(given)
            : PostgresServer.TransportOptions(options.AuthorityFile);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public IHostEnvironment Environment => _host.Environment;

    public string AppHostDirectory => AppHostOptions.AppHostDirectory;

    public ICollection<IResource> Resources { get; } = [];

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.Any(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
            throw new DistributedApplicationException($"There are two resources named '{resource.Name}'.");
        Resources.Add(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build() => new(_options, Configuration, Environment, [.. Resources], store => _secrets = store);

    internal string Secret(string name, ParameterDefault value) =>
        (_secrets ?? throw new InvalidOperationException("Secrets are generated when the application runs.")).GetOrAdd(name, value.GetDefaultValue);
}

internal sealed class ResourceBuilder<T>(IDistributedApplicationBuilder application, T resource) : IResourceBuilder<T>
    where T : IResource
{
    public IDistributedApplicationBuilder ApplicationBuilder { get; } = application;

    public T Resource { get; } = resource;
}
