using System.ComponentModel.DataAnnotations;

namespace HpcBilling.Gateway.Routes;

/// <summary>Section <c>Gateway:RateLimits</c>: requests per minute and client address at one replica.</summary>
internal sealed class RateLimitOptions
{
    public const string Section = GatewayOptions.Section + ":RateLimits";

    private const int Max = 1_000_000;

    /// <summary>Whatever tries a secret: sign-in, second factor, reset, a client's own secret.</summary>
    [Range(1, Max, ErrorMessage = "Gateway:RateLimits:LoginPerMinute must be between 1 and 1 000 000")]
    public int LoginPerMinute { get; set; } = 60;

    [Range(1, Max, ErrorMessage = "Gateway:RateLimits:WebhookPerMinute must be between 1 and 1 000 000")]
    public int WebhookPerMinute { get; set; } = 1_200;

    [Range(1, Max, ErrorMessage = "Gateway:RateLimits:ContentSecurityReportPerMinute must be between 1 and 1 000 000")]
    public int ContentSecurityReportPerMinute { get; set; } = 60;

    [Range(1, Max, ErrorMessage = "Gateway:RateLimits:GeneralPerMinute must be between 1 and 1 000 000")]
    public int GeneralPerMinute { get; set; } = 12_000;
}
