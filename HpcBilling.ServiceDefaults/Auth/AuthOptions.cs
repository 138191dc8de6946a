using System.ComponentModel.DataAnnotations;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Section <c>Auth</c>: whose tokens a service accepts.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Issuer (<c>iss</c>) of the tokens; by default the authority.</summary>
    public string? Issuer { get; set; }

    /// <summary>Base address of the OpenID provider; its discovery document lies below <c>/.well-known</c>.</summary>
    public string? Authority { get; set; }

    /// <summary>Address of the discovery document, when it is fetched from another place than the authority.</summary>
    public string? MetadataAddress { get; set; }

    /// <summary>What <c>aud</c> must contain; by default the service's name.</summary>
    public string? Audience { get; set; }

    /// <summary>Clock difference that is forgiven, seconds.</summary>
    [Range(0, 120)]
    public int ClockSkewSeconds { get; set; } = 10;
}
