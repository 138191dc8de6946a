using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Rabbit;

/// <summary>Everything a node reads from files and environment, so that nothing of the machine's own RabbitMQ is read or written.</summary>
internal sealed class RabbitFiles
{
    private const string DebianRoot = "/usr/lib/rabbitmq/lib";
    private readonly string _root;
    private readonly RabbitPorts _ports;

    private RabbitFiles(string root, RabbitPorts ports) => (_root, _ports) = (root, ports);

    public string Home => Path.Combine(_root, "home");

    /// <summary>The script itself: the wrapper on the PATH would change to the account of the system service.</summary>
    public static string ServerScript()
    {
        var scripts = Directory.Exists(DebianRoot)
            ? Directory.EnumerateDirectories(DebianRoot, "rabbitmq_server-*").Select(server => Path.Combine(server, "sbin", "rabbitmq-server"))
            : [];
        return scripts.Where(File.Exists).Order(StringComparer.Ordinal).LastOrDefault()
            ?? throw new FileNotFoundException("RabbitMQ is not installed: apt-get install rabbitmq-server");
    }

    public static RabbitFiles Write(string root, RabbitPorts ports, string user, string password)
    {
        var files = new RabbitFiles(root, ports);
        PrivateFile.Directory(files.Home);
        PrivateFile.Write(files.In("rabbitmq.conf"), $"""
            listeners.tcp.1 = 127.0.0.1:{ports.Amqp}
            load_definitions = {files.In("definitions.json")}
            log.file = false
            log.console = true
            log.console.level = info
            log.connection.level = warning
            disk_free_limit.absolute = 200MB

            """);
        PrivateFile.Write(files.In("advanced.config"), "[].\n");
        PrivateFile.Write(files.In("enabled_plugins"), "[].\n");
        PrivateFile.Write(files.In("definitions.json"), Definitions(user, password).ToJsonString());
        files.EnsureCookie();
        return files;
    }

    public Dictionary<string, string?> Environment() => new(StringComparer.Ordinal)
    {
        ["HOME"] = Home,
        // "localhost" rather than the machine's name: nothing to resolve, and data stay valid when the machine is renamed.
        ["RABBITMQ_NODENAME"] = "hpcbilling@localhost",
        ["RABBITMQ_NODE_PORT"] = Text(_ports.Amqp),
        ["RABBITMQ_DIST_PORT"] = Text(_ports.Distribution),
        ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
        ["RABBITMQ_CONFIG_FILE"] = In("rabbitmq.conf"),
        ["RABBITMQ_ADVANCED_CONFIG_FILE"] = In("advanced.config"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = In("enabled_plugins"),
        ["RABBITMQ_GENERATED_CONFIG_DIR"] = PrivateFile.Directory(In("config")),
        ["RABBITMQ_SCHEMA_DIR"] = PrivateFile.Directory(In("schema")),
        ["RABBITMQ_MNESIA_BASE"] = PrivateFile.Directory(In("data")),
        ["RABBITMQ_LOG_BASE"] = PrivateFile.Directory(In("log")),
        ["RABBITMQ_LOGS"] = "-",
        // Schedulers that sleep when idle: this node shares its machine with the services.
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
        // Makes the script become the node instead of waiting for it, so that our child is the node itself.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
        ["NOTIFY_SOCKET"] = null,
        ["ERL_EPMD_PORT"] = Text(_ports.NameService),
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
    };

    private static JsonObject Definitions(string user, string password) => new()
    {
        ["users"] = new JsonArray(new JsonObject
        {
            ["name"] = user,
            ["password_hash"] = Hash(password),
            ["hashing_algorithm"] = "rabbit_password_hashing_sha256",
            ["tags"] = "administrator",
        }),
        ["vhosts"] = new JsonArray(new JsonObject { ["name"] = "/" }),
        ["permissions"] = new JsonArray(new JsonObject
        {
            ["user"] = user,
            ["vhost"] = "/",
            ["configure"] = ".*",
            ["write"] = ".*",
            ["read"] = ".*",
        }),
    };

    /// <summary>RabbitMQ's format: base64 of salt (4 bytes) followed by SHA-256 of salt and password.</summary>
    private static string Hash(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(4);
        return Convert.ToBase64String([.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(password)])]);
    }

    private void EnsureCookie()
    {
        var cookie = Path.Combine(Home, ".erlang.cookie");
        if (!File.Exists(cookie))
            PrivateFile.Write(cookie, RandomNumberGenerator.GetHexString(40));
        File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
    }

    private string In(string name) => Path.Combine(_root, name);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
