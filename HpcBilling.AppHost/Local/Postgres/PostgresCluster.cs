using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Tls;

namespace HpcBilling.AppHost.Local.Postgres;

/// <summary>The data directory of a private server: made once, its configuration written anew at every start.</summary>
internal sealed class PostgresCluster
{
    private const string HostRules = """
        # TLS and a password, from this machine only.
        hostssl all all 127.0.0.1/32 scram-sha-256
        """;

    private static readonly TimeSpan OrphanDeadline = TimeSpan.FromSeconds(10);
    private readonly string _parent;
    private readonly PostgresBinaries _binaries;

    public PostgresCluster(StateDirectory state)
    {
        _parent = Path.Combine(ServerAccount.DataParent(state.Path, state.Id), "postgres");
        DataDirectory = Path.Combine(_parent, "data");
        _binaries = PostgresBinaries.Find(DataDirectory);
    }

    public string DataDirectory { get; }

    public string ServerProgram => _binaries.Postgres;

    public async Task PrepareAsync(int port, string password, DevelopmentCertificates tls, Action<string> log, CancellationToken cancellationToken)
    {
        PrivateFile.Directory(_parent);
        ServerAccount.Own(_parent);
        if (!Directory.Exists(DataDirectory))
            await InitialiseAsync(password, log, cancellationToken);
        await ClearCrashAsync(cancellationToken);
        WriteOwned("server.crt", File.ReadAllText(tls.CertificateFile));
        WriteOwned("server.key", File.ReadAllText(tls.KeyFile));
        WriteOwned("pg_hba.conf", HostRules);
        WriteOwned("postgresql.conf", Configuration(port));
    }

    /// <summary>
    /// Backends whose postmaster was killed keep the shared memory, and a new postmaster refuses to start beside them; a stale
    /// postmaster.pid whose number now belongs to another process stops it as well.
    /// </summary>
    private async Task ClearCrashAsync(CancellationToken cancellationToken)
    {
        var deadline = new CancellationTokenSource(OrphanDeadline);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        while (ProcessTable.WorkingIn(DataDirectory).ToList() is { Count: > 0 } orphans)
        {
            foreach (var orphan in orphans)
                Signals.Send(orphan, Signal.Kill);
            await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token);
        }

        File.Delete(Path.Combine(DataDirectory, "postmaster.pid"));
    }

    /// <summary>Made beside its place and moved there when complete: a start that was interrupted leaves no half of a cluster.</summary>
    private async Task InitialiseAsync(string password, Action<string> log, CancellationToken cancellationToken)
    {
        var draft = Path.Combine(_parent, "data.new");
        if (Directory.Exists(draft))
            Directory.Delete(draft, recursive: true);
        var passwordFile = Path.Combine(_parent, "password.new");
        PrivateFile.Write(passwordFile, password);
        ServerAccount.Own(passwordFile);
        try
        {
            await using var initdb = await ChildProcess.StartAsync(
                new ProcessSpec
                {
                    FileName = _binaries.Initdb,
                    Arguments =
                    [
                        "--pgdata", draft, "--username", PostgresServer.Superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256",
                        "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums", "--no-instructions",
                    ],
                    WorkingDirectory = _parent,
                    Account = ServerAccount.Name,
                },
                log);
            var exitCode = await initdb.Exited.WaitAsync(cancellationToken);
            if (exitCode != 0)
                throw new InvalidOperationException($"initdb ended with exit code {exitCode}.");
        }
        finally
        {
            File.Delete(passwordFile);
        }

        Directory.Move(draft, DataDirectory);
    }

    private void WriteOwned(string name, string content)
    {
        var path = Path.Combine(DataDirectory, name);
        PrivateFile.Write(path, content);
        ServerAccount.Own(path);
    }

    /// <summary>What is not named keeps PostgreSQL's default, above all fsync and full_page_writes: on.</summary>
    private static string Configuration(int port) => $"""
        listen_addresses = '127.0.0.1'
        port = {port}
        unix_socket_directories = ''
        ssl = on
        ssl_min_protocol_version = 'TLSv1.3'
        ssl_cert_file = 'server.crt'
        ssl_key_file = 'server.key'
        password_encryption = 'scram-sha-256'
        max_connections = 300
        shared_buffers = '256MB'
        max_wal_size = '2GB'
        log_timezone = 'UTC'
        timezone = 'UTC'
        lc_messages = 'C'
        log_line_prefix = '%m [%p] %q%u@%d '
        """;
}
