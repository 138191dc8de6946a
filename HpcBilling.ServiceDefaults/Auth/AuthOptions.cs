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
    [Range(0, 120, ErrorMessage = "Auth:ClockSkewSeconds must be between 0 and 120")]
    public int ClockSkewSeconds { get; set; } = 10;

    /// <summary>How often the issuers' keys are fetched again; a key that an issuer drops is accepted that long at most.</summary>
    [Range(1, 300, ErrorMessage = "Auth:KeyRefreshSeconds must be between 1 and 300")]
    public int KeyRefreshSeconds { get; set; } = 60;

    /// <summary>Development only: secret of HS256 tokens that <c>hpcb dev-token</c> makes.</summary>
    [MinLength(32, ErrorMessage = "Auth:DevelopmentSecret must have at least 32 bytes")]
    public string? DevelopmentSecret { get; set; }

    /// <summary>OpenID providers besides the first, whose tokens are accepted as they are.</summary>
    public IReadOnlyList<OutsideIssuerOptions> Issuers { get; set; } = [];

    public string? IssuerName => Issuer ?? Authority;
}
