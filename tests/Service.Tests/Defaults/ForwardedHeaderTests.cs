using System.Net;
using System.Net.Http.Json;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Defaults;

/// <summary>Whom a service believes about its caller's address. The set-up is the services' own; the far end's address is the test's choice.</summary>
public sealed class ForwardedHeaderTests
{
    private static readonly Seen Forwarded = new("203.0.113.7", "https", "billing.example.org");

    [Theory]
    [Trait("Control", "WEB-06")]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("10.20.30.40", true)] // the configured network of the gateway
    [InlineData("10.20.31.40", false)]
    [InlineData("192.0.2.2", false)]
    [InlineData("2001:db8::1", false)]
    public async Task A_service_believes_its_neighbours_and_nobody_else(string from, bool believed)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Auth:Authority"] = "https://issuer.example.org",
            ["Gateway:Networks:0"] = "10.20.30.0/24",
        });
        builder.AddServiceDefaults("example");
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{Servers.FreePort()}");
        await using WebApplication app = builder.Build();
        app.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress = IPAddress.Parse(from);
            return next(context);
        });
        app.UseServiceDefaults();
        app.MapGet("/who", (HttpContext context) => new Seen(context.Connection.RemoteIpAddress!.ToString(), context.Request.Scheme, context.Request.Host.Value!)).AllowAnonymous();
        await app.StartAsync();

        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        client.DefaultRequestHeaders.Add("X-Forwarded-For", $"6.6.6.6, {Forwarded.Address}"); // of a list, what the gateway added itself
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", Forwarded.Scheme);
        client.DefaultRequestHeaders.Add("X-Forwarded-Host", Forwarded.Host);
        Seen seen = (await client.GetFromJsonAsync<Seen>("/who"))!;
        Assert.Equal(believed ? Forwarded : new Seen(IPAddress.Parse(from).ToString(), "http", client.BaseAddress.Authority), seen);
    }

    private sealed record Seen(string Address, string Scheme, string Host);
}
