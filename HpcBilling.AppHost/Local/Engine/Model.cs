using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>What AppHost.cs described, and where to run it.</summary>
internal sealed record Model(
    AppHostOptions Options,
    IConfiguration Configuration,
    IHostEnvironment Environment,
    IReadOnlyList<IResource> Resources,
    Action<SecretStore> UseSecrets);
