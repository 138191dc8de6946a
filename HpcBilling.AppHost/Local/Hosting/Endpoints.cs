using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

public enum EndpointProperty
{
    Url,
    Host,
    Port,
    Scheme,
}

/// <summary>A listening socket of a resource; with replicas one port each.</summary>
public sealed class EndpointAnnotation(string name, string uriScheme, int? port = null) : IResourceAnnotation
{
    public string Name { get; } = name;

    public string UriScheme { get; } = uriScheme;

    /// <summary>The port asked for; null is any.</summary>
    public int? Port { get; } = port;

    public bool IsExternal { get; set; }

    /// <summary>What the engine gave, by replica. Set before anything starts.</summary>
    internal IReadOnlyList<int> AllocatedPorts { get; set; } = [];

    /// <summary>The address of a server of one's own; else loopback.</summary>
    internal string? AllocatedHost { get; set; }

    /// <summary>People and certificates say localhost; processes say the address and save the resolver.</summary>
    internal string Host => AllocatedHost ?? (IsExternal ? "localhost" : "127.0.0.1");

    internal string Url(int replica = 0) => string.Create(CultureInfo.InvariantCulture, $"{UriScheme}://{Host}:{AllocatedPorts[replica]}");
}

public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName) : IValueProvider, IManifestExpressionProvider
{
    public IResourceWithEndpoints Resource { get; } = owner;

    public string EndpointName { get; } = endpointName;

    public string Url => Annotation.Url();

    public int Port => Annotation.AllocatedPorts[0];

    public string ValueExpression => $"{{{Resource.Name}.bindings.{EndpointName}.url}}";

    internal EndpointAnnotation Annotation => Resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.Name == EndpointName)
        ?? throw new DistributedApplicationException($"Resource '{Resource.Name}' has no endpoint '{EndpointName}'.");

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Url);
}

public sealed class EndpointReferenceExpression(EndpointReference endpoint, EndpointProperty property) : IValueProvider, IManifestExpressionProvider
{
    public string ValueExpression => $"{{{endpoint.Resource.Name}.bindings.{endpoint.EndpointName}.{property}}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(property switch
    {
        EndpointProperty.Url => endpoint.Url,
        EndpointProperty.Host => endpoint.Annotation.Host,
        EndpointProperty.Port => endpoint.Port.ToString(CultureInfo.InvariantCulture),
        EndpointProperty.Scheme => endpoint.Annotation.UriScheme,
        _ => throw new ArgumentOutOfRangeException(nameof(cancellationToken), property, "Unknown endpoint property."),
    });
}
