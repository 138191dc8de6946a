using System.Net;
using System.Security.Cryptography;
using HpcBilling.AppHost.Local.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.AppHost.Local.Operator;

/// <summary>A small site on loopback that shows what runs. Who has the token of the printed address may look and restart.</summary>
public sealed class OperatorPage : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OperatorPage(WebApplication app, string loginUrl) => (_app, LoginUrl) = (app, loginUrl);

    public string LoginUrl { get; }

    /// <summary>Listens when it returns; port 0 is any free one.</summary>
    /// <exception cref="DistributedApplicationException">The port is in use.</exception>
    public static async Task<OperatorPage> StartAsync(ResourceBoard board, IReadOnlyList<Supervisor> supervisors, int port, CancellationToken cancellationToken)
    {
        var token = RandomNumberGenerator.GetHexString(48, lowercase: true);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        var app = builder.Build();
        app.Use(OperatorGate.Headers);
        app.Use(new OperatorGate(token).GuardAsync);
        app.UseRouting();
        OperatorRoutes.Map(app, board, supervisors);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException cause)
        {
            throw new DistributedApplicationException($"The operator's page cannot listen on port {port}; see --operator-port in --help.", cause);
        }

        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new OperatorPage(app, $"{address}/login?t={token}");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
