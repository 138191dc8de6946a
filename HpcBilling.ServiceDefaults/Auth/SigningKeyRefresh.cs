using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Fetches the issuers' keys again and again, in the background: a new key is known before it signs, and a dropped one is soon forgotten.</summary>
internal sealed class SigningKeyRefresh(
    TokenSchemes schemes, IOptionsMonitor<JwtBearerOptions> bearers, IOptions<AuthOptions> auth, TimeProvider clock) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(auth.Value.KeyRefreshSeconds), clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // Only asks; the library fetches by itself, keeps what it has when that fails, and tries again the next time.
            foreach (string scheme in schemes.Names) bearers.Get(scheme).ConfigurationManager?.RequestRefresh();
        }
    }
}
