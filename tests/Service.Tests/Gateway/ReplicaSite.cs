using System.Net;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>Two gateways and two identities over one database, one broker and the same secrets, behind a plain TCP balancer.</summary>
public sealed class ReplicaSite(Servers servers) : IAsyncLifetime
{
    private readonly List<RunningService> replicas = [];

    public Site First { get; private set; } = null!;

    /// <summary>Between every process and the broker.</summary>
    public TcpBalancer Broker { get; private set; } = null!;

    /// <summary>The site's door: one connection to the one gateway, the next to the other.</summary>
    public TcpBalancer Door { get; private set; } = null!;

    public IReadOnlyList<RunningService> Gateways { get; private set; } = [];

    public IReadOnlyList<RunningService> Identities { get; private set; } = [];

    public async Task InitializeAsync()
    {
        var broker = new Uri(servers.Private.Broker(59));
        Broker = new TcpBalancer(broker.Port);
        First = await Site.StartAsync(servers, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__rabbitmq"] = new UriBuilder(broker) { Port = Broker.Port }.Uri.ToString(),
            ["Gateway__CredentialReuseSeconds"] = "30", // so that nothing but the event can be quick
        });
        RunningService identity = First.Identity.Replica();
        replicas.Add(identity);
        await identity.StartAsync();
        RunningService gateway = First.Gateway.Replica();
        replicas.Add(gateway);
        gateway.Settings["services__identity__http__0"] = identity.Address.ToString();
        await gateway.StartAsync();
        Gateways = [First.Gateway, gateway];
        Identities = [First.Identity, identity];
        Door = new TcpBalancer([.. Gateways.Select(replica => replica.SecureAddress!.Port)]);
    }

    public async Task DisposeAsync()
    {
        if (Door is not null) await Door.DisposeAsync();
        foreach (RunningService replica in replicas) await replica.DisposeAsync();
        if (First is not null) await First.DisposeAsync();
        await Broker.DisposeAsync();
    }

    /// <summary>A browser that always reaches the same gateway, with the cookies of another.</summary>
    public Browser At(int gateway, Browser? cookiesOf = null)
    {
        var browser = new Browser(Gateways[gateway].SecureAddress!, IPAddress.Loopback);
        if (cookiesOf is not null) browser.TakeCookies(cookiesOf);
        return browser;
    }
}
