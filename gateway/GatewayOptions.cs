using System.ComponentModel.DataAnnotations;
using System.Net;

namespace HpcBilling.Gateway;

/// <summary>Section <c>Gateway</c>.</summary>
internal sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>Public port of HTTPS, to which plain HTTP is redirected.</summary>
    [Range(1, 65_535, ErrorMessage = "Gateway:HttpsPort must be between 1 and 65535")]
    public int HttpsPort { get; set; } = 443;

    /// <summary>How long an access token is used again before identity is asked once more; a revocation takes effect within it.</summary>
    [Range(1, 30, ErrorMessage = "Gateway:CredentialReuseSeconds must be between 1 and 30")]
    public int CredentialReuseSeconds { get; set; } = 10;

    /// <summary>Networks besides loopback that may ask for the gateway's health on the plain port, in CIDR notation.</summary>
    public IReadOnlyList<string> HealthNetworks { get; set; } = [];

    /// <summary>Origins of payment providers' hosted checkouts, to which a form of ours may lead.</summary>
    public IReadOnlyList<string> CheckoutOrigins { get; set; } = [];

    public RateLimitOptions RateLimits { get; set; } = new();

    public IReadOnlyList<IPNetwork> HealthIPNetworks => [.. HealthNetworks.Select(IPNetwork.Parse)];
}

/// <summary>Requests per minute and client address.</summary>
internal sealed class RateLimitOptions
{
    [Range(1, 1_000_000, ErrorMessage = "Gateway:RateLimits:LoginPerMinute must be between 1 and 1 000 000")]
    public int LoginPerMinute { get; set; } = 60;

    [Range(1, 1_000_000, ErrorMessage = "Gateway:RateLimits:WebhookPerMinute must be between 1 and 1 000 000")]
    public int WebhookPerMinute { get; set; } = 1_200;

    [Range(1, 1_000_000, ErrorMessage = "Gateway:RateLimits:GeneralPerMinute must be between 1 and 1 000 000")]
    public int GeneralPerMinute { get; set; } = 12_000;
}
