using System.Globalization;
using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;
using HpcBilling.AppHost.Local.Tls;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>One process of a project; a project with replicas has several.</summary>
internal sealed class ManagedProject(ProjectResource project, int replica, EngineContext context) : IManaged
{
    private readonly IReadOnlyList<EndpointAnnotation> _endpoints = [.. project.Annotations.OfType<EndpointAnnotation>()];

    public string Name => replica == 0 ? project.Name : string.Create(CultureInfo.InvariantCulture, $"{project.Name}-{replica + 1}");

    public string Kind => "Project";

    /// <summary>A program that listens to nobody is a command.</summary>
    public bool RunsToCompletion => _endpoints.Count == 0;

    public IReadOnlyList<string> Endpoints => [.. _endpoints.Select(endpoint => endpoint.Url(replica))];

    public async Task<ChildProcess?> StartAsync(Action<string> log, CancellationToken cancellationToken)
    {
        if (!File.Exists(project.AssemblyPath))
            throw new FileNotFoundException($"{project.AssemblyPath} is missing; build the solution first.");
        var arguments = project.Annotations.OfType<ArgumentsAnnotation>().SelectMany(annotation => annotation.Arguments);
        return await ChildProcess.StartAsync(
            new ProcessSpec
            {
                FileName = Environment.ProcessPath is { } dotnet && Path.GetFileName(dotnet) == "dotnet" ? dotnet : "dotnet",
                Arguments = [project.AssemblyPath, .. arguments],
                Environment = await EnvironmentAsync(cancellationToken),
                WorkingDirectory = Path.GetDirectoryName(project.AssemblyPath)!,
                StopDeadline = TimeSpan.FromSeconds(15),
            },
            log);
    }

    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        foreach (var check in project.Annotations.OfType<HttpHealthCheckAnnotation>())
        {
            var endpoint = _endpoints.First(candidate => check.EndpointName is null || candidate.Name == check.EndpointName);
            await context.Probe.AskAsync(endpoint.Url(replica) + check.Path, cancellationToken);
        }
    }

    private async Task<IReadOnlyDictionary<string, string?>> EnvironmentAsync(CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [Leftovers.StateVariable] = context.State.Id,
            ["ASPNETCORE_ENVIRONMENT"] = context.EnvironmentName,
            ["DOTNET_ENVIRONMENT"] = context.EnvironmentName,
            ["DOTNET_NOLOGO"] = "true",
            ["OTEL_SERVICE_NAME"] = project.Name,
            ["SSL_CERT_FILE"] = context.Tls.TrustFile,
        };
        if (_endpoints.Count > 0)
            environment["ASPNETCORE_URLS"] = string.Join(';', _endpoints.Select(Binding));
        if (_endpoints.Any(endpoint => endpoint.UriScheme == "https"))
        {
            environment["Kestrel__Certificates__Default__Path"] = context.Tls.CertificateFile;
            environment["Kestrel__Certificates__Default__KeyPath"] = context.Tls.KeyFile;
        }

        foreach (var (service, endpoint) in References())
        {
            for (var index = 0; index < endpoint.AllocatedPorts.Count; index++)
                environment[string.Create(CultureInfo.InvariantCulture, $"services__{service}__{endpoint.Name}__{index}")] = endpoint.Url(index);
        }

        foreach (var variable in project.Annotations.OfType<EnvironmentAnnotation>())
            environment[variable.Name] = await variable.Value.GetValueAsync(cancellationToken);
        return environment;
    }

    private string Binding(EndpointAnnotation endpoint) =>
        string.Create(CultureInfo.InvariantCulture, $"{endpoint.UriScheme}://127.0.0.1:{endpoint.AllocatedPorts[replica]}");

    private IEnumerable<(string Service, EndpointAnnotation Endpoint)> References() =>
        from reference in project.Annotations.OfType<ServiceReferenceAnnotation>()
        from endpoint in reference.Service.Annotations.OfType<EndpointAnnotation>()
        select (reference.Service.Name, endpoint);
}

/// <summary>What every process of a run has in common.</summary>
internal sealed record EngineContext(StateDirectory State, PortBook Ports, SecretStore Secrets, DevelopmentCertificates Tls, HttpProbe Probe, string EnvironmentName);
