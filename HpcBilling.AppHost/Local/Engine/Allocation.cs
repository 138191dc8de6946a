using System.Globalization;
using System.Security.Cryptography;
using HpcBilling.AppHost.Local.Postgres;
using HpcBilling.AppHost.Local.Rabbit;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;
using Npgsql;
using RabbitMQ.Client;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>Gives every resource its ports, and turns it into what a supervisor runs.</summary>
internal static class Allocation
{
    private const string RabbitUser = "hpcbilling";

    /// <summary>All ports first: values of one resource may speak of any other.</summary>
    public static void AllocatePorts(Model model, PortBook ports)
    {
        foreach (var project in model.Resources.OfType<ProjectResource>())
        {
            foreach (var endpoint in project.Annotations.OfType<EndpointAnnotation>())
                endpoint.AllocatedPorts = [.. Enumerable.Range(0, Replicas(project)).Select(replica => Port(project, endpoint, replica, ports))];
        }
    }

    public static IEnumerable<(IResource Resource, IManaged Managed)> Manage(Model model, EngineContext context)
    {
        foreach (var resource in model.Resources)
        {
            switch (resource)
            {
                case PostgresServerResource postgres:
                    yield return (postgres, Postgres(postgres, model, context));
                    break;
                case RabbitMQServerResource rabbit:
                    yield return (rabbit, Rabbit(rabbit, model, context));
                    break;
                case ProjectResource project:
                    for (var replica = 0; replica < Replicas(project); replica++)
                        yield return (project, new ManagedProject(project, replica, context));
                    break;
                default:
                    break; // Parameters and databases have no process.
            }
        }
    }

    private static IManaged Postgres(PostgresServerResource resource, Model model, EngineContext context)
    {
        var endpoint = resource.PrimaryEndpoint.Annotation;
        if (model.Configuration.GetConnectionString(resource.Name) is { Length: > 0 } given)
        {
            var address = new NpgsqlConnectionStringBuilder(given);
            (endpoint.AllocatedHost, endpoint.AllocatedPorts) = (address.Host, [address.Port]);
            resource.Connect = database => new NpgsqlConnectionStringBuilder(given) { Database = database }.ConnectionString;
            return new ExternalServer(resource.Name, "PostgreSQL", endpoint.Url(), cancellationToken => ProbeAsync(given, resource.Databases, cancellationToken));
        }

        var server = new PostgresServer(
            resource.Name, context.State, context.Tls, context.Ports.Take(resource.Name), Password(context, resource.Name), resource.Databases);
        endpoint.AllocatedPorts = [server.Port];
        resource.Connect = database => server.ConnectionString(database);
        return server;
    }

    private static IManaged Rabbit(RabbitMQServerResource resource, Model model, EngineContext context)
    {
        var endpoint = resource.PrimaryEndpoint.Annotation;
        if (model.Configuration.GetConnectionString(resource.Name) is { Length: > 0 } given)
        {
            var address = new AmqpTcpEndpoint(new Uri(given));
            (endpoint.AllocatedHost, endpoint.AllocatedPorts) = (address.HostName, [address.Port]);
            resource.ConnectionString = given;
            return new ExternalServer(resource.Name, "RabbitMQ", endpoint.Url(), cancellationToken => RabbitServer.ProbeAsync(given, cancellationToken));
        }

        var server = new RabbitServer(
            resource.Name, context.State, RabbitPorts.Take(context.Ports, resource.Name), RabbitUser, Password(context, resource.Name));
        endpoint.AllocatedPorts = [server.Port];
        resource.ConnectionString = server.ConnectionString;
        return server;
    }

    private static async Task ProbeAsync(string connectionString, List<string> databases, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await PostgresDatabases.EnsureAsync(connection, databases, cancellationToken);
    }

    private static string Password(EngineContext context, string server) =>
        context.Secrets.GetOrAdd($"{server}-password", () => RandomNumberGenerator.GetHexString(32));

    private static int Replicas(ProjectResource project) =>
        project.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1;

    private static int Port(ProjectResource project, EndpointAnnotation endpoint, int replica, PortBook ports)
    {
        if (endpoint.Port is not { } wanted || wanted == 0)
            return ports.Take(string.Create(CultureInfo.InvariantCulture, $"{project.Name}-{endpoint.Name}-{replica}"));
        if (!PortBook.IsFree(wanted))
            throw new DistributedApplicationException($"Port {wanted} of {project.Name} is in use; see --https-port and --http-port in --help.");
        return wanted;
    }
}
