using System.Net;
using System.Security.Cryptography;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>The real gateway and the real identity, with stand-ins for the services behind them.</summary>
public sealed class Site(Servers servers) : IAsyncLifetime, IAsyncDisposable
{
    public const string AdminPassword = "long enough for the boss";
    public const string DemoPassword = "correct horse battery staple";
    public const string Issuer = "https://billing.example.org";
    public const string GatewaySecret = "a secret of the gateway: 0123456789 abcdef";
    public const string MachineSecret = "a secret of a collector: 0123456789 abcdef";
    public const string DemoToken = "hpcb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>Setting: the issuer is the gateway's own address, as where a client believes nothing but the discovery document.</summary>
    public const string IssuerIsTheDoor = "Test__IssuerIsTheDoor";

    private readonly string folder = Directory.CreateTempSubdirectory("hpcb-site-").FullName;

    public StandInServices Services { get; } = new();

    public RunningService Identity { get; private set; } = null!;

    public RunningService Gateway { get; private set; } = null!;

    /// <summary>The gateway's certificate, which is its own authority.</summary>
    public string CertificateFile => Path.Combine(folder, "tls.crt");

    /// <summary>Signs the first tokens of the site's identity.</summary>
    public ECDsa SigningKey { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <param name="servers">Database and broker.</param>
    /// <param name="settings">Of the gateway and of identity.</param>
    /// <param name="gatewayAlone">Of the gateway.</param>
    public static async Task<Site> StartAsync(
        Servers servers, IReadOnlyDictionary<string, string>? settings = null, IReadOnlyDictionary<string, string>? gatewayAlone = null)
    {
        var site = new Site(servers);
        await site.StartAsync(settings ?? new Dictionary<string, string>(), gatewayAlone ?? new Dictionary<string, string>());
        return site;
    }

    public Task InitializeAsync() => StartAsync(new Dictionary<string, string>(), new Dictionary<string, string>());

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (Gateway is not null) await Gateway.DisposeAsync();
        if (Identity is not null) await Identity.DisposeAsync();
        await Services.DisposeAsync();
        SigningKey.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A browser of its own, with no cookies yet.</summary>
    /// <param name="from">Loopback address that it connects from.</param>
    public Browser Browser(string from = "127.0.0.1") => new(Gateway.SecureAddress!, IPAddress.Parse(from));

    /// <summary>A program that talks to the gateway.</summary>
    public HttpClient Program(string? bearer = null)
    {
        var client = new HttpClient(Gateways.Handler(IPAddress.Loopback)) { BaseAddress = Gateway.SecureAddress };
        if (bearer is not null) client.DefaultRequestHeaders.Authorization = new("Bearer", bearer);
        return client;
    }

    /// <summary>Acts that identity has recorded, oldest first.</summary>
    public Task<IReadOnlyList<Act>> ActsAsync() => Identity.QueryAsync<Act>("""
        SELECT body->>'action' AS action, body->>'subject' AS subject, coalesce(body->'details'->>'reason', '') AS reason
        FROM outbox WHERE kind = 'AuditRecorded' ORDER BY id
        """);

    private async Task StartAsync(IReadOnlyDictionary<string, string> settings, IReadOnlyDictionary<string, string> gatewayAlone)
    {
        await Services.StartAsync();
        (string certificate, string key) = await MakeCertificateAsync();
        Gateway = await servers.PrepareServiceAsync("Gateway", database: null);
        Gateway.Settings["Kestrel__Certificates__Default__Path"] = certificate;
        Gateway.Settings["Kestrel__Certificates__Default__KeyPath"] = key;
        string issuer = settings.ContainsKey(IssuerIsTheDoor) ? Gateway.ReserveSecureAddress().GetLeftPart(UriPartial.Authority) : Issuer;
        var shared = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Identity__GatewayClientSecret"] = GatewaySecret,
            ["Gateway__ClientSecret"] = GatewaySecret,
            ["DataProtection__MasterKey"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64)),
            ["Auth__Issuer"] = issuer,
            ["Auth__Authority"] = issuer,
        };
        Identity = await servers.StartServiceAsync("Identity", With(shared, With(settings, new Dictionary<string, string>
        {
            ["Identity__SigningKey"] = SigningKey.ExportPkcs8PrivateKeyPem(),
            ["Identity__AdminPassword"] = AdminPassword,
            ["Identity__DemoPassword"] = DemoPassword,
            ["Identity__DemoToken"] = DemoToken,
            ["Identity__Clients__0__Id"] = "collector",
            ["Identity__Clients__0__Secret"] = MachineSecret,
            ["Identity__Clients__0__Scopes"] = "usage.write usage.read",
            ["Identity__Clients__0__Audience"] = "usage",
            ["Identity__Clients__usage__Id"] = "usage",
            ["Identity__Clients__usage__Secret"] = MachineSecret,
            ["Identity__Clients__usage__Scopes"] = "runs.classify",
            ["Identity__Clients__usage__Audience"] = "rating",
            ["Identity__Clients__usage__EveryOrg"] = "true",
        })));
        var gateway = new Dictionary<string, string>
        {
            ["services__identity__http__0"] = Identity.Address.ToString(),
            ["ConnectionStrings__rabbitmq"] = Identity.Settings["ConnectionStrings__rabbitmq"],
            ["Gateway__CredentialReuseSeconds"] = "1",
        };
        foreach (string service in new[] { "portal", "admin", "rating", "usage", "payment", "audit" }) gateway[$"services__{service}__http__0"] = Services.Address;
        foreach ((string name, string value) in With(shared, With(gatewayAlone, With(settings, gateway)))) Gateway.Settings[name] = value;
        await Gateway.StartAsync();
    }

    // What is given wins over what is usual.
    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string> given, Dictionary<string, string> usual)
    {
        foreach ((string key, string value) in given) usual[key] = value;
        return usual;
    }

    private async Task<(string Certificate, string Key)> MakeCertificateAsync()
    {
        (string certificate, string key) = TestCertificate.Make("CN=localhost");
        string keyFile = Path.Combine(folder, "tls.key");
        await File.WriteAllTextAsync(CertificateFile, certificate);
        await File.WriteAllTextAsync(keyFile, key);
        return (CertificateFile, keyFile);
    }
}

/// <summary>An audit act of identity.</summary>
public sealed record Act(string Action, string Subject, string Reason);
