using HpcBilling.AppHost.Local.Engine;
using HpcBilling.AppHost.Local.State;

namespace Aspire.Hosting;

/// <summary>The system that AppHost.cs describes, run by the local engine.</summary>
public sealed class DistributedApplication
{
    private readonly AppHostOptions _options;
    private readonly IConfiguration _configuration;
    private readonly IHostEnvironment _environment;
    private readonly IReadOnlyList<IResource> _resources;
    private readonly Action<SecretStore> _useSecrets;

    internal DistributedApplication(
        AppHostOptions options, IConfiguration configuration, IHostEnvironment environment, IReadOnlyList<IResource> resources, Action<SecretStore> useSecrets)
    {
        (_options, _configuration, _environment, _resources, _useSecrets) = (options, configuration, environment, resources, useSecrets);
    }

    /// <summary>Reads the command line; prints help and ends the process when asked to, or when it is not understood.</summary>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) =>
        new DistributedApplicationBuilder(AppHostOptions.ParseOrExit(args));

    /// <summary>Runs until SIGINT or SIGTERM, or until something essential cannot be started (exit code 1).</summary>
    public Task RunAsync(CancellationToken cancellationToken = default) =>
        LocalEngine.RunAsync(new Model(_options, _configuration, _environment, _resources, _useSecrets), cancellationToken);
}
