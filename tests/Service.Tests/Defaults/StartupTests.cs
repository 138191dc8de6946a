using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Defaults;

/// <summary>What a process says before it serves.</summary>
[Collection(nameof(Servers))]
public sealed class StartupTests(Servers servers)
{
    private static readonly string[] Replicas = ["identity", "portal", "admin", "rating", "usage", "payment", "audit"];

    [Theory]
    [Trait("Control", "SEC-01")]
    [InlineData("Usage", "ConnectionStrings:usage", "ConnectionStrings:rabbitmq", "Auth:Authority", "Usage:SpoolPath")]
    [InlineData("Rating", "ConnectionStrings:rating", "ConnectionStrings:rabbitmq", "Auth:Authority")]
    [InlineData("Audit", "ConnectionStrings:audit", "ConnectionStrings:rabbitmq", "Auth:Authority")]
    [InlineData("Payment", "ConnectionStrings:payment", "ConnectionStrings:rabbitmq", "Auth:Authority", "DataProtection:MasterKey", "Payment:Dummy:WebhookSecret")]
    [InlineData("Portal", "Auth:Authority", "DataProtection:MasterKey", "services:rating:http:0")]
    [InlineData("Admin", "Auth:Authority", "DataProtection:MasterKey", "services:audit:http:0")]
    [InlineData("Gateway", "Gateway:ClientSecret", "DataProtection:MasterKey", "services:identity:http:0")]
    [InlineData("Identity", "ConnectionStrings:identity", "ConnectionStrings:rabbitmq", "Auth:Authority", "DataProtection:MasterKey", "Identity:SigningKey", "Identity:GatewayClientSecret")]
    public async Task Every_missing_secret_is_named_at_once(string project, params string[] keys)
    {
        await using RunningService service = await servers.PrepareServiceAsync(project, database: null);
        service.Settings.Clear();
        service.Settings["DOTNET_ENVIRONMENT"] = "Development";
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(service.StartAsync);
        Assert.All(keys, key => Assert.Contains($"\n  {key}", refused.Message));
        Assert.Contains("cannot start", refused.Message);
    }

    [Fact]
    [Trait("Control", "SEC-02")]
    public async Task The_settings_in_force_are_said_without_their_secrets()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>());
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe", new Dictionary<string, string>
        {
            ["Auth__DevelopmentSecret"] = "a-development-secret-of-32-bytes-or-more",
        });
        foreach (RunningService service in new[] { site.Identity, site.Gateway, probe })
        {
            string summary = Assert.Single(service.Log.Split('\n'), line => line.Contains("starts in Development with", StringComparison.Ordinal));
            Assert.Contains("***", summary);
            Assert.Equal("", string.Join(' ', Secrets(service).Where(secret => service.Log.Contains(secret, StringComparison.Ordinal))));
        }

        Assert.Contains("Identity:SigningKey=***", site.Identity.Log);
        Assert.Contains("Identity:Clients:0:Id=collector", site.Identity.Log);
        Assert.Contains("Password=***", site.Identity.Log, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Username=identity_app", site.Identity.Log, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("amqp://test:***@127.0.0.1", probe.Log);
        Assert.All(Replicas, name => Assert.Contains($"services:{name}:http:0=http://", site.Gateway.Log));
    }

    private static IEnumerable<string> Secrets(RunningService service) =>
        from setting in service.Settings
        where setting.Key.Contains("Secret", StringComparison.Ordinal) || setting.Key.Contains("Password", StringComparison.Ordinal)
            || setting.Key.Contains("MasterKey", StringComparison.Ordinal) || setting.Key.Contains("SigningKey", StringComparison.Ordinal)
            || setting.Key.Contains("DemoToken", StringComparison.Ordinal) || setting.Key.StartsWith("ConnectionStrings", StringComparison.Ordinal)
        from secret in setting.Key.StartsWith("ConnectionStrings__", StringComparison.Ordinal) ? [setting.Value, "app-of-a-test", "Password=private"] : new[] { setting.Value }
        select secret;
}
