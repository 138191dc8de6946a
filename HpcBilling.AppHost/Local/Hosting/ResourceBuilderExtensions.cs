namespace Aspire.Hosting;

/// <summary>Aspire's verbs by their names; each notes on the resource what the engine later does.</summary>
public static class ResourceBuilderExtensions
{
    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
        where T : IResourceWithEnvironment => builder.Note(new EnvironmentAnnotation(name, ReferenceExpression.Create($"{value}")));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value)
        where T : IResourceWithEnvironment => builder.Note(new EnvironmentAnnotation(name, value));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, EndpointReference endpointReference)
        where T : IResourceWithEnvironment => builder.Note(new EnvironmentAnnotation(name, endpointReference));

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment => builder.Note(new EnvironmentAnnotation(name, parameter.Resource));

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        _ = optional;
        return builder.Note(new EnvironmentAnnotation($"ConnectionStrings__{connectionName ?? source.Resource.Name}", source.Resource.ConnectionStringExpression));
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment => builder.Note(new ServiceReferenceAnnotation(source.Resource));

    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithArgs => builder.Note(new ArgumentsAnnotation(args));

    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport => builder.Note(new WaitAnnotation(dependency.Resource, ForCompletion: false));

    public static IResourceBuilder<T> WaitForCompletion<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0)
        where T : IResourceWithWaitSupport
    {
        if (exitCode != 0)
            throw new NotSupportedException("Completion means exit code 0.");
        return builder.Note(new WaitAnnotation(dependency.Resource, ForCompletion: true));
    }

    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null, bool isProxied = true)
        where T : IResourceWithEndpoints => builder.WithWebEndpoint("http", port, targetPort, name, env, isProxied);

    public static IResourceBuilder<T> WithHttpsEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null, bool isProxied = true)
        where T : IResourceWithEndpoints => builder.WithWebEndpoint("https", port, targetPort, name, env, isProxied);

    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>())
            endpoint.IsExternal = true;
        return builder;
    }

    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
    {
        if (statusCode is not (null or 200))
            throw new NotSupportedException("Healthy means status 200.");
        return builder.Note(new HttpHealthCheckAnnotation(path ?? "/", endpointName));
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas) =>
        builder.Note(new ReplicaAnnotation(replicas));

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints => new(builder.Resource, name);

    internal static IResourceBuilder<T> Note<T>(this IResourceBuilder<T> builder, IResourceAnnotation annotation)
        where T : IResource
    {
        builder.Resource.Annotations.Add(annotation);
        return builder;
    }

    private static IResourceBuilder<T> WithWebEndpoint<T>(
        this IResourceBuilder<T> builder, string scheme, int? port, int? targetPort, string? name, string? env, bool isProxied)
        where T : IResourceWithEndpoints
    {
        _ = isProxied; // There is no proxy: the process listens on the port itself.
        if (env is not null)
            throw new NotSupportedException("Ports are passed by ASPNETCORE_URLS.");
        return builder.Note(new EndpointAnnotation(name ?? scheme, scheme, port ?? targetPort));
    }
}
