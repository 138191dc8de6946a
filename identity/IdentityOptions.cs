using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Federation;
using HpcBilling.Identity.Tokens;

namespace HpcBilling.Identity;

/// <summary>Section <c>Identity</c>.</summary>
internal sealed class IdentityOptions
{
    public const string Section = "Identity";

    /// <summary>The first key that signs access tokens: EC P-256, PEM or base64 of PKCS #8. Later ones come by rotation and live in the database.</summary>
    [Required(ErrorMessage = "Identity:SigningKey is missing: an EC P-256 private key, PEM or base64 of PKCS #8")]
    public string SigningKey { get; set; } = "";

    /// <summary>How long a new key is published before it signs: longer than anybody keeps the published keys.</summary>
    [Range(2, 86_400, ErrorMessage = "Identity:KeyPublishSeconds must be between 2 and 86 400")]
    public int KeyPublishSeconds { get; set; } = 10 * 60;

    /// <summary>How often a replica looks for keys that another one has published or dropped.</summary>
    [Range(1, 30, ErrorMessage = "Identity:KeyPollSeconds must be between 1 and 30")]
    public int KeyPollSeconds { get; set; } = 2;

    /// <summary>Secret of the gateway, the only client that may exchange a session or personal access token.</summary>
    [Required(ErrorMessage = "Identity:GatewayClientSecret is missing")]
    [MinLength(32, ErrorMessage = "Identity:GatewayClientSecret must have at least 32 characters")]
    public string GatewayClientSecret { get; set; } = "";

    /// <summary>The gateway's secret before, good during a rotation.</summary>
    [MinLength(32, ErrorMessage = "Identity:GatewayClientSecretPrevious must have at least 32 characters")]
    public string? GatewayClientSecretPrevious { get; set; }

    /// <summary>Password of the first admin; needed while there is none.</summary>
    public string? AdminPassword { get; set; }

    /// <summary>Tenants besides the site's own; one that is listed is made at the start, one that is no longer listed stays.</summary>
    public IReadOnlyList<OrgOptions> Orgs { get; set; } = [];

    /// <summary>Development only: password of the demo users.</summary>
    public string? DemoPassword { get; set; }

    /// <summary>Development only: a personal access token of the admin with every scope.</summary>
    public string? DemoToken { get; set; }

    /// <summary>Cost of a password hash: iterations of PBKDF2 with HMAC-SHA512 (OWASP asks for 210 000).</summary>
    [Range(100_000, 10_000_000, ErrorMessage = "Identity:PasswordIterations must be between 100 000 and 10 000 000")]
    public int PasswordIterations { get; set; } = 210_000;

    [Range(1, 86_400, ErrorMessage = "Identity:SessionIdleSeconds must be between 1 and 86 400")]
    public int SessionIdleSeconds { get; set; } = 30 * 60;

    [Range(1, 604_800, ErrorMessage = "Identity:SessionAbsoluteSeconds must be between 1 and 604 800")]
    public int SessionAbsoluteSeconds { get; set; } = 12 * 60 * 60;

    [Range(30, 900, ErrorMessage = "Identity:AccessTokenSeconds must be between 30 and 900")]
    public int AccessTokenSeconds { get; set; } = 5 * 60;

    [Range(1, 100, ErrorMessage = "Identity:LoginFailuresMax must be between 1 and 100")]
    public int LoginFailuresMax { get; set; } = 5;

    [Range(1, 86_400, ErrorMessage = "Identity:LoginWindowSeconds must be between 1 and 86 400")]
    public int LoginWindowSeconds { get; set; } = 15 * 60;

    [Range(1, 86_400, ErrorMessage = "Identity:LoginLockSeconds must be between 1 and 86 400")]
    public int LoginLockSeconds { get; set; } = 15 * 60;

    /// <summary>Life of a code with which a password is set.</summary>
    [Range(1, 168, ErrorMessage = "Identity:PasswordCodeHours must be between 1 and 168")]
    public int PasswordCodeHours { get; set; } = 24;

    /// <summary>Admins without a second factor are led to set one up and can do nothing else until then.</summary>
    public bool SecondFactorForAdmins { get; set; }

    /// <summary>Other providers where people may sign in.</summary>
    public IReadOnlyList<ProviderOptions> Providers { get; set; } = [];

    /// <summary>Machine clients that get tokens by client credentials.</summary>
    public IReadOnlyList<ClientOptions> Clients { get; set; } = [];

    public IEnumerable<string> GatewaySecretsInForce => new[] { GatewayClientSecret, GatewayClientSecretPrevious }.OfType<string>();

    public TimeSpan SessionIdle => TimeSpan.FromSeconds(SessionIdleSeconds);

    public TimeSpan SessionAbsolute => TimeSpan.FromSeconds(SessionAbsoluteSeconds);

    public TimeSpan PasswordCodeLife => TimeSpan.FromHours(PasswordCodeHours);

    /// <summary>Whether the sessions of an account are good for setting up a second factor alone.</summary>
    public bool MustEnrol(Account account) => SecondFactorForAdmins && account is { Role: Role.Admin, HasSecondFactor: false };

    public ThrottleLimits Throttle =>
        new(LoginFailuresMax, TimeSpan.FromSeconds(LoginWindowSeconds), TimeSpan.FromSeconds(LoginLockSeconds));
}

/// <summary>One tenant.</summary>
internal sealed partial class OrgOptions
{
    /// <summary>Short name: its people sign in as <c>alice@slug</c>.</summary>
    public string Slug { get; set; } = "";

    /// <summary>Name for people, at most 200 characters; by default the short one.</summary>
    public string Name
    {
        get => field ?? Slug;
        set;
    }

    /// <summary>Password of its first admin; needed while it has none.</summary>
    public string? AdminPassword { get; set; }

    public bool IsComplete => SlugPattern.IsMatch(Slug) && Name.Length is > 0 and <= 200;

    [GeneratedRegex("^[a-z][a-z0-9-]{0,62}\\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex SlugPattern { get; }
}
