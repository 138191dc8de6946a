using System.Security.Cryptography;
using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;
using HpcBilling.AppHost.Local.Tls;
using Npgsql;

namespace HpcBilling.AppHost.Local.Postgres;

/// <summary>A private PostgreSQL: loopback only, TLS only, its own port, data kept in the state directory.</summary>
public sealed class PostgresServer : IManaged
{
    internal const string Superuser = "postgres";
    private readonly StateDirectory _state;
    private readonly DevelopmentCertificates _tls;
    private readonly IReadOnlyCollection<string> _databases;
    private readonly string _password;
    private bool _databasesReady;

    public PostgresServer(string name, StateDirectory state, DevelopmentCertificates tls, int port, string password, IReadOnlyCollection<string> databases)
    {
        (Name, _state, _tls, Port, _password, _databases) = (name, state, tls, port, password, databases);
    }

    public string Name { get; }

    public string Kind => "PostgreSQL";

    public bool RunsToCompletion => false;

    public int Port { get; }

    public IReadOnlyList<string> Endpoints => [$"postgresql://127.0.0.1:{Port}"];

    /// <summary>What a client needs besides host, database and credentials, in Npgsql's words.</summary>
    public static string TransportOptions(string authorityFile) => $"SSL Mode=VerifyFull;Root Certificate={authorityFile}";

    /// <summary>The same for somebody else's server, as its connection string has it.</summary>
    internal static string TransportOptionsOf(string connectionString)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        return given.RootCertificate is { Length: > 0 } authority ? $"SSL Mode={given.SslMode};Root Certificate={authority}" : $"SSL Mode={given.SslMode}";
    }

    /// <summary>Npgsql connection string; without a user that of the superuser.</summary>
    public string ConnectionString(string database, string? user = null, string? password = null) =>
        $"Host=127.0.0.1;Port={Port};Database={database};Username={user ?? Superuser};Password={password ?? _password};{TransportOptions(_tls.AuthorityFile)}";

    public async Task<ChildProcess?> StartAsync(Action<string> log, CancellationToken cancellationToken)
    {
        var cluster = new PostgresCluster(_state);
        await cluster.PrepareAsync(Port, _password, _tls, log, cancellationToken);
        _databasesReady = false;
        return await ChildProcess.StartAsync(
            new ProcessSpec
            {
                FileName = cluster.ServerProgram,
                Arguments = ["-D", cluster.DataDirectory],
                WorkingDirectory = cluster.DataDirectory,
                Account = ServerAccount.Name,
                Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { [Leftovers.StateVariable] = _state.Id },
                // SIGINT is the fast shutdown: it does not wait for clients to leave.
                StopSignal = Signal.Interrupt,
                StopDeadline = TimeSpan.FromSeconds(20),
            },
            log);
    }

    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false;Timeout=3;Command Timeout=3;Application Name=health");
        await connection.OpenAsync(cancellationToken);
        if (!_databasesReady)
            await PostgresDatabases.EnsureAsync(connection, _databases, cancellationToken);
        _databasesReady = true;
        await using var query = new NpgsqlCommand("SELECT 1", connection);
        await query.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>A server on its own, for tests: it takes the state directory, and answers queries when this returns.</summary>
    /// <param name="stateDirectory">Made when missing; the next start on it finds the data again.</param>
    /// <param name="databases">Made when missing.</param>
    public static Task<PrivateServer<PostgresServer>> StartAsync(string stateDirectory, params string[] databases) =>
        PrivateServer<PostgresServer>.StartAsync(stateDirectory, (state, ports, secrets) => new PostgresServer(
            "postgres",
            state,
            DevelopmentCertificates.Ensure(state.Tls, TimeProvider.System),
            ports.Take("postgres"),
            secrets.GetOrAdd("postgres-password", () => RandomNumberGenerator.GetHexString(32)),
            databases));
}
