using HpcBilling.Gateway.Revocation;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Hardening;

/// <summary>Settings that work and are not meant to stay.</summary>
internal static class SettingsWarnings
{
    public static void WarnOfSettings(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.ContentSecurityPolicyReportOnly)
            app.Logger.LogWarning("Gateway:ContentSecurityPolicyReportOnly is on: browsers report violations of the content security policy and do not prevent them");
        if (string.IsNullOrEmpty(app.Configuration.GetConnectionString(RevocationServices.Broker)))
            app.Logger.LogWarning("ConnectionStrings:rabbitmq is missing: identity is asked at nearly every request, since revocations are not heard");
        if (!app.Environment.IsDevelopment() && app.Configuration["AllowedHosts"] is null or "" or "*")
            app.Logger.LogWarning("AllowedHosts is not set: a request is served under any host name; name the site's own, separated by semicolons");
    }
}
