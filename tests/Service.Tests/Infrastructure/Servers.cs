using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>One private PostgreSQL and one private RabbitMQ for all tests of the assembly that need them; each service gets its own database and virtual host.</summary>
public sealed class Servers : IAsyncLifetime
{
    private const int PortMin = 10_000;
    private const int PortMax = 32_000;
    private int databases;

    public TestIssuer Issuer { get; } = new();

    public PrivateServers Private { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await Issuer.StartAsync();
        Private = await PrivateServers.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await Issuer.DisposeAsync();
        await Private.DisposeAsync();
    }

    /// <summary>Runs the real service as a process of its own on a fresh, migrated database and an empty virtual host of the broker.</summary>
    /// <param name="project">Name of the project: <c>Rating</c>, <c>Usage</c> … or <c>MessagingProbe</c>.</param>
    /// <param name="settings">Further configuration, as environment variables (<c>Section__Key</c>).</param>
    /// <param name="database">Name of the connection string; by default the project's name in lower case; null for a service without one.</param>
    public async Task<RunningService> StartServiceAsync(
        string project, IReadOnlyDictionary<string, string>? settings = null, string? database = "")
    {
        RunningService service = await PrepareServiceAsync(project, settings, database);
        await service.StartAsync();
        return service;
    }

    /// <summary>As <see cref="StartServiceAsync"/>, migrated but not yet started.</summary>
    public async Task<RunningService> PrepareServiceAsync(
        string project, IReadOnlyDictionary<string, string>? settings = null, string? database = "")
    {
        string name = project == "MessagingProbe" ? "probe" : project.ToLowerInvariant();
        if (database?.Length == 0) database = name;
        int number = Interlocked.Increment(ref databases);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__rabbitmq"] = Private.Broker(number),
            ["Auth__Authority"] = Issuer.Issuer,
            ["DOTNET_ENVIRONMENT"] = "Development",
        };
        string? superuser = null;
        if (database is not null)
        {
            string instance = $"{database}_{number}";
            await using (var admin = new NpgsqlConnection(Private.Postgres("postgres")))
            {
                await admin.OpenAsync();
                await using var create = new NpgsqlCommand($"CREATE DATABASE \"{instance}\"", admin);
                await create.ExecuteNonQueryAsync();
            }

            superuser = Private.Postgres(instance);
            environment[$"ConnectionStrings__{database}-owner"] = superuser;
            environment[$"ConnectionStrings__{database}"] =
                new NpgsqlConnectionStringBuilder(superuser) { Username = database + "_app", Password = "app-of-a-test" }.ConnectionString;
        }

        foreach ((string key, string value) in settings ?? new Dictionary<string, string>()) environment[key] = value;
        var service = new RunningService(project, name, environment, superuser, Issuer);
        if (database is not null) await service.MigrateAsync();
        return service;
    }

    /// <summary>A loopback port that was free a moment ago, below those that outgoing connections are given: nothing takes it by accident.</summary>
    public static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(PortMin, PortMax);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: another.
            }
        }
    }
}

/// <summary>Tests of this collection share the servers and run one after another.</summary>
[CollectionDefinition(nameof(Servers))]
public sealed class ServersDefinition : ICollectionFixture<Servers>;
