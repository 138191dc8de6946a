using System.Security.Cryptography;
using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;
using RabbitMQ.Client;

namespace HpcBilling.AppHost.Local.Rabbit;

/// <summary>A private RabbitMQ: loopback only, its own ports, cookie, user and name service (epmd), queues kept in the state directory.</summary>
public sealed class RabbitServer : IManaged, IAsyncDisposable
{
    private readonly StateDirectory _state;
    private readonly RabbitPorts _ports;
    private readonly string _user;
    private readonly string _password;
    private ChildProcess? _nameService;

    public RabbitServer(string name, StateDirectory state, RabbitPorts ports, string user, string password) =>
        (Name, _state, _ports, _user, _password) = (name, state, ports, user, password);

    public string Name { get; }

    public string Kind => "RabbitMQ";

    public bool RunsToCompletion => false;

    public int Port => _ports.Amqp;

    public IReadOnlyList<string> Endpoints => [$"amqp://127.0.0.1:{Port}"];

    public string ConnectionString => $"amqp://{Uri.EscapeDataString(_user)}:{Uri.EscapeDataString(_password)}@127.0.0.1:{Port}/";

    public async Task<ChildProcess?> StartAsync(Action<string> log, CancellationToken cancellationToken)
    {
        var files = RabbitFiles.Write(PrivateFile.Directory(_state.File("rabbitmq")), _ports, _user, _password);
        var environment = files.Environment();
        environment[Leftovers.StateVariable] = _state.Id;
        await StartNameServiceAsync(files, environment, log);
        return await ChildProcess.StartAsync(
            new ProcessSpec
            {
                FileName = RabbitFiles.ServerScript(),
                Environment = environment,
                WorkingDirectory = files.Home,
                StopDeadline = TimeSpan.FromSeconds(30),
            },
            log);
    }

    public Task ProbeAsync(CancellationToken cancellationToken) => ProbeAsync(ConnectionString, cancellationToken);

    /// <summary>Opens a connection with its credentials and closes it.</summary>
    public static async Task ProbeAsync(string connectionString, CancellationToken cancellationToken)
    {
        var factory = new ConnectionFactory { Uri = new Uri(connectionString), AutomaticRecoveryEnabled = false, ClientProvidedName = "health" };
        await using var connection = await factory.CreateConnectionAsync(cancellationToken);
        await connection.CloseAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_nameService is not null)
            await _nameService.DisposeAsync();
    }

    /// <summary>A server on its own, for tests: it takes the state directory, and answers when this returns.</summary>
    /// <param name="stateDirectory">Made when missing; the next start on it finds queues and messages again.</param>
    public static Task<PrivateServer<RabbitServer>> StartAsync(string stateDirectory) =>
        PrivateServer<RabbitServer>.StartAsync(stateDirectory, (state, ports, secrets) => new RabbitServer(
            "rabbitmq",
            state,
            RabbitPorts.Take(ports, "rabbitmq"),
            "hpcbilling",
            secrets.GetOrAdd("rabbitmq-password", () => RandomNumberGenerator.GetHexString(32))));

    /// <summary>Started by us and not by the node: the node's own would go into the background and outlive everything.</summary>
    private async Task StartNameServiceAsync(RabbitFiles files, Dictionary<string, string?> environment, Action<string> log)
    {
        if (_nameService is { Exited.IsCompleted: false })
            return;
        _nameService = await ChildProcess.StartAsync(
            new ProcessSpec
            {
                FileName = "epmd",
                Arguments = ["-port", $"{_ports.NameService}", "-address", "127.0.0.1"],
                Environment = environment,
                WorkingDirectory = files.Home,
            },
            log);
    }
}

/// <summary>The three ports of a node.</summary>
public sealed record RabbitPorts(int Amqp, int Distribution, int NameService)
{
    public static RabbitPorts Take(PortBook ports, string name) =>
        new(ports.Take(name), ports.Take($"{name}-distribution"), ports.Take($"{name}-epmd"));
}
