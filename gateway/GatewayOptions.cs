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

    /// <summary>How long an access token is used again before identity is asked once more. A revocation does not wait for it, unless identity cannot say it.</summary>
    [Range(1, 30, ErrorMessage = "Gateway:CredentialReuseSeconds must be between 1 and 30")]
    public int CredentialReuseSeconds { get; set; } = 10;

    /// <summary>Networks besides loopback that may ask for the gateway's health on the plain port, in CIDR notation.</summary>
    public IReadOnlyList<string> HealthNetworks { get; set; } = [];

    /// <summary>Origins of payment providers' hosted checkouts, to which a form of ours may lead.</summary>
    public IReadOnlyList<string> CheckoutOrigins { get; set; } = [];

    /// <summary>Browsers report what the content security policy would forbid, and do it all the same: to try out a change, never to stay.</summary>
    public bool ContentSecurityPolicyReportOnly { get; set; }

    public IReadOnlyList<IPNetwork> HealthIPNetworks => [.. HealthNetworks.Select(IPNetwork.Parse)];
}
