using System.Net.Http.Headers;
using System.Text.Json;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Tenancy;

/// <summary>All services behind the gateway, on one broker, each accepting the same tokens, and what each says of its routes.</summary>
public sealed class EveryService(Servers servers) : IAsyncLifetime
{
    public const string Audience = "walk";
    private static readonly string[] Projects = ["Identity", "Audit", "Usage", "Rating", "Payment", "Portal", "Admin"];
    private readonly Dictionary<string, RunningService> services = new(StringComparer.Ordinal);

    public RunningService this[string service] => services[service];

    /// <summary>Every route of every service.</summary>
    public IReadOnlyList<KnownRoute> Routes { get; private set; } = [];

    public BusProbe Bus { get; private set; } = null!;

    public static IReadOnlyList<KnownRoute> RoutesIn(RunningService service)
    {
        string list = service.Log.Split('\n').Last(line => line.StartsWith('['));
        return [.. JsonSerializer.Deserialize<KnownRoute[]>(list, JsonSerializerOptions.Web)!.Select(route => route with { Service = service.Name })];
    }

    public async Task InitializeAsync()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["DOTNET_ENVIRONMENT"] = "Production", // what Development adds is not what is walked
            ["Auth__Audience"] = Audience,
            ["DataProtection__MasterKey"] = Convert.ToBase64String(new byte[64]),
            ["Identity__SigningKey"] = servers.Issuer.SigningKeyPem,
            ["Identity__GatewayClientSecret"] = Site.GatewaySecret,
            ["Identity__AdminPassword"] = Site.AdminPassword,
            ["Usage__SpoolPath"] = Directory.CreateTempSubdirectory("hpcb-spool-").FullName,
            ["Rating__ReceiptRunPollMilliseconds"] = "100",
        };
        foreach (string project in Projects)
        {
            bool hasDatabase = project is not ("Portal" or "Admin");
            RunningService service = await servers.PrepareServiceAsync(project, settings, hasDatabase ? "" : null);
            settings.TryAdd("ConnectionStrings__rabbitmq", service.Settings["ConnectionStrings__rabbitmq"]);
            await service.StartAsync();
            settings[$"services__{service.Name}__http__0"] = service.Address.ToString();
            services.Add(service.Name, service);
        }

        await Task.WhenAll(services.Values.Select(service => service.RunAsync("routes")));
        Routes = [.. services.Values.SelectMany(RoutesIn)];
        Bus = await BusProbe.StartAsync(this["audit"], typeof(AuditRecorded));
    }

    public async Task DisposeAsync()
    {
        if (Bus is not null) await Bus.DisposeAsync();
        foreach (RunningService service in services.Values) await service.DisposeAsync();
    }

    /// <param name="service">Whom it calls.</param>
    /// <param name="token">Null: nobody in particular.</param>
    public HttpClient Client(string service, string? token)
    {
        // As the gateway forwards it: HTTPS outside, so that the cookies of forms are set.
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = this[service].Address };
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public string Token(TestCaller caller) => servers.Issuer.Token(caller, Audience);

    public string MachineToken(string scopes) => servers.Issuer.MachineToken("collector", ServiceDefaults.Orgs.Default, scopes, Audience);
}

/// <summary>A route as its service tells it.</summary>
public sealed record KnownRoute(
    string Service, string Path, IReadOnlyList<string> Methods, bool IsAnonymous, IReadOnlyList<string> Policies, IReadOnlyList<string> Parameters, string? OrgOwned)
{
    public string Name => $"{Service} {Path}";

    /// <summary>Methods to try: all of its own, or one when it takes any.</summary>
    public IEnumerable<string> Tries => Methods.Count > 0 ? Methods : ["GET"];

    public override string ToString() => Name;
}
