using System.Diagnostics;
using System.Text.Json;
using Npgsql;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>PostgreSQL and RabbitMQ of the machine, as private processes on free ports with a data folder that is deleted afterwards.</summary>
public sealed class PrivateServers : IAsyncDisposable
{
    private const int VirtualHosts = 60;
    private readonly string folder = Directory.CreateTempSubdirectory("hpcb-tests-").FullName;
    private readonly List<Process> processes = [];
    private readonly int postgresPort = Servers.FreePort();
    private readonly int rabbitPort = Servers.FreePort();

    public static async Task<PrivateServers> StartAsync()
    {
        var servers = new PrivateServers();
        await Task.WhenAll(servers.StartPostgresAsync(), servers.StartRabbitAsync());
        return servers;
    }

    public string Postgres(string database) =>
        $"Host=127.0.0.1;Port={postgresPort};Database={database};Username=postgres;Password=private;Include Error Detail=true;Maximum Pool Size=30";

    public string Broker(int virtualHost) => $"amqp://test:test@127.0.0.1:{rabbitPort}/t{virtualHost % VirtualHosts}";

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in processes)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }

    private async Task StartPostgresAsync()
    {
        string bin = "/usr/lib/postgresql/15/bin/";
        string data = Path.Combine(folder, "pg");
        string[] drop = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        Directory.CreateDirectory(data);
        string password = Path.Combine(folder, "pw");
        await File.WriteAllTextAsync(password, "private");
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        if (drop.Length > 0) await RunAsync("chown", "-R", "postgres", data, password);
        await RunAsync([.. drop, bin + "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "--encoding=UTF8", "--locale=C.UTF-8"]);
        Launch(null, [.. drop, bin + "postgres", "-D", data, "-p", $"{postgresPort}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300"]);
        await Wait.UntilAsync("PostgreSQL answers", async () =>
        {
            await using var connection = new NpgsqlConnection(Postgres("postgres"));
            await connection.OpenAsync();
            return true;
        });
    }

    private async Task StartRabbitAsync()
    {
        string home = Directory.CreateDirectory(Path.Combine(folder, "rabbit")).FullName;
        string[] hosts = [.. Enumerable.Range(0, VirtualHosts).Select(number => $"t{number}")];
        await File.WriteAllTextAsync(Path.Combine(home, "definitions.json"), JsonSerializer.Serialize(new
        {
            users = new[] { new { name = "test", password = "test", tags = "administrator" } },
            vhosts = hosts.Select(name => new { name }),
            permissions = hosts.Select(vhost => new { user = "test", vhost, configure = ".*", write = ".*", read = ".*" }),
        }));
        await File.WriteAllTextAsync(Path.Combine(home, "rabbitmq.conf"), $"listeners.tcp.1 = 127.0.0.1:{rabbitPort}\nload_definitions = {home}/definitions.json\nlog.console = true\n");
        await File.WriteAllTextAsync(Path.Combine(home, "plugins"), "[].");
        // Erlang would start a name service of its own as a daemon, which outlives us; it finds this one on its port instead.
        int namesPort = Servers.FreePort();
        Launch(null, "epmd", "-port", $"{namesPort}", "-address", "127.0.0.1");
        await Wait.UntilAsync("the name service answers", () => AnswersAsync(namesPort));
        string server = Directory.GetDirectories("/usr/lib/rabbitmq/lib", "rabbitmq_server-*").Single() + "/sbin/rabbitmq-server";
        Launch(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["HOME"] = home,
                ["RABBITMQ_MNESIA_BASE"] = home + "/mnesia",
                ["RABBITMQ_LOG_BASE"] = home + "/log",
                ["RABBITMQ_NODENAME"] = $"test{rabbitPort}@localhost",
                ["RABBITMQ_DIST_PORT"] = $"{Servers.FreePort()}",
                ["RABBITMQ_CONFIG_FILE"] = home + "/rabbitmq.conf",
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = home + "/plugins",
                ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
                ["ERL_EPMD_PORT"] = $"{namesPort}",
                ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
                ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
            },
            server);
        await Wait.UntilAsync("RabbitMQ answers", () => AnswersAsync(rabbitPort), seconds: 120);
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        using var client = new System.Net.Sockets.TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    private void Launch(IReadOnlyDictionary<string, string>? environment, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>()) start.Environment[key] = value;
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        processes.Add(process);
    }

    private static async Task RunAsync(params string[] command)
    {
        using Process process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command[^1]}: {await errors}");
    }
}
