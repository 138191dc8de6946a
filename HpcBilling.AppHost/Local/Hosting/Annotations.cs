namespace Aspire.Hosting.ApplicationModel;

internal sealed record EnvironmentAnnotation(string Name, IValueProvider Value) : IResourceAnnotation;

internal sealed record ServiceReferenceAnnotation(IResourceWithServiceDiscovery Service) : IResourceAnnotation;

internal sealed record ArgumentsAnnotation(IReadOnlyList<string> Arguments) : IResourceAnnotation;

internal sealed record WaitAnnotation(IResource Dependency, bool ForCompletion) : IResourceAnnotation;

internal sealed record HttpHealthCheckAnnotation(string Path, string? EndpointName) : IResourceAnnotation;

internal sealed record ReplicaAnnotation(int Replicas) : IResourceAnnotation;
