using System.Globalization;
using System.Reflection;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>The command line of the AppHost.</summary>
public sealed record AppHostOptions
{
    public const string Help = """
        Starts HpcBilling on this machine and keeps it running until Ctrl-C.

          --reset                delete all data, secrets and logs first
          --state DIR            where they are kept (default: .local beside the sources)
          --port, --https-port N port of the site (default 8443; 0: any free one)
          --http-port N          port that redirects to it (default 8080; 0: any free one)
          --operator-port N      port of the operator's page (default 18888; 0: any free one)
          --environment NAME     Development has demo users, demo data and a payment provider that takes no money;
                                 default: DOTNET_ENVIRONMENT, else Production
          --org SLUG[=NAME]      a further organisation beside the site's own; its admin signs in as admin@SLUG (repeatable)
          --logs                 show every resource's log lines here as well
          --help

        PostgreSQL or RabbitMQ of your own: ConnectionStrings__postgres (superuser, Npgsql format), ConnectionStrings__rabbitmq (amqp URI).
        Secrets of your own: Parameters__NAME, for instance Parameters__admin-password.
        """;

    private const int PortMax = 65_535;

    public static string AppHostDirectory { get; } = typeof(AppHostOptions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(attribute => attribute.Key == nameof(AppHostDirectory)).Value!;

    public string StatePath { get; init; } = Path.GetFullPath(Path.Combine(AppHostDirectory, "..", ".local"));

    public bool Reset { get; init; }

    public bool ShowLogs { get; init; }

    public int OperatorPort { get; init; } = 18_888;

    public string EnvironmentName { get; init; } =
        Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environments.Production;

    /// <summary>Configuration that AppHost.cs reads.</summary>
    public Dictionary<string, string?> Configuration { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Uploads that are being parsed: personal data, so not in a directory that all may read.</summary>
    public string SpoolPath => Path.Combine(StatePath, "usage-spool");

    /// <summary>Tokens and certificates for the clusters that an admin adds.</summary>
    public string SlurmSecretsPath => Path.Combine(StatePath, "slurm", "secrets");

    /// <summary>Accounting logs that are imported when they appear, once an admin has it watched.</summary>
    public string SlurmIncomingPath => Path.Combine(StatePath, "slurm", "incoming");

    public string AuthorityFile => Path.Combine(StatePath, "tls", "ca.pem");

    /// <summary>What admins may point sources at where nobody says so: this machine's slurmrestd and slurm.conf, and two folders of the state.</summary>
    public IEnumerable<KeyValuePair<string, string?>> LocalReach()
    {
        const string Entry = ConfigurationKeys.Reach + ":0:";
        return new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [Entry + "Hosts:0"] = "localhost:6820",
            [Entry + "Hosts:1"] = "127.0.0.1:6820",
            [Entry + "SlurmConfs:0"] = "/etc/slurm/slurm.conf",
            [Entry + "SecretsPath"] = SlurmSecretsPath,
            [Entry + "Folders:0"] = SlurmIncomingPath,
        };
    }

    /// <exception cref="FormatException">The message says which argument and why.</exception>
    public static AppHostOptions Parse(IReadOnlyList<string> args)
    {
        var options = new AppHostOptions();
        for (var index = 0; index < args.Count; index++)
        {
            var name = args[index];
            options = name switch
            {
                "--reset" => options with { Reset = true },
                "--logs" => options with { ShowLogs = true },
                "--state" => options with { StatePath = Path.GetFullPath(Value()) },
                "--environment" => options with { EnvironmentName = Value() },
                "--operator-port" => options with { OperatorPort = Port() },
                "--port" or "--https-port" => options.With(ConfigurationKeys.HttpsPort, Port()),
                "--http-port" => options.With(ConfigurationKeys.HttpPort, Port()),
                "--org" => options.WithOrg(Value()),
                _ => throw new FormatException($"Unknown argument '{name}'; see --help."),
            };

            string Value() => ++index < args.Count ? args[index] : throw new FormatException($"{name} needs a value.");

            int Port() => int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= PortMax
                ? port
                : throw new FormatException($"{name} needs a port number from 0 to {PortMax}.");
        }

        options.Configuration["Usage:SpoolPath"] = options.SpoolPath;
        return options;
    }

    internal static AppHostOptions ParseOrExit(string[] args)
    {
        if (args.Contains("--help", StringComparer.Ordinal))
        {
            Console.WriteLine(Help);
            Environment.Exit(0);
        }

        try
        {
            return Parse(args);
        }
        catch (FormatException mistake)
        {
            Console.Error.WriteLine(mistake.Message);
            Environment.Exit(2);
            throw;
        }
    }

    private AppHostOptions WithOrg(string org)
    {
        var parts = org.Split('=', 2);
        var place = $"{ConfigurationKeys.Orgs}:{Configuration.Keys.Count(key => key.EndsWith(":Slug", StringComparison.Ordinal))}";
        Configuration[place + ":Slug"] = parts[0];
        Configuration[place + ":Name"] = parts[^1];
        return this;
    }

    private AppHostOptions With(string key, int value)
    {
        Configuration[key] = value.ToString(CultureInfo.InvariantCulture);
        return this;
    }
}
