using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>One of <c>Auth:Issuers</c>: an OpenID provider that a site trusts for some of its orgs.</summary>
public sealed class OutsideIssuerOptions
{
    private static readonly string[] AsymmetricAlgorithms =
    [
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
    ];

    /// <summary>Value of <c>iss</c>, and the address below which <c>/.well-known/openid-configuration</c> lies.</summary>
    public string Authority { get; set; } = "";

    /// <summary>Address of the discovery document, when it lies elsewhere.</summary>
    public string? MetadataAddress { get; set; }

    /// <summary>What <c>aud</c> must contain.</summary>
    public string Audience { get; set; } = "";

    /// <summary>Values of <c>typ</c> that are an access token; by default RFC 9068's. Many providers say <c>JWT</c>.</summary>
    public IReadOnlyList<string> Types { get; set; } = [];

    /// <summary>Signature algorithms; by default ES256 and RS256.</summary>
    public IReadOnlyList<string> Algorithms { get; set; } = [];

    /// <summary>The org that every token of this issuer belongs to, whatever the token says.</summary>
    public Guid? OrgId { get; set; }

    /// <summary>The orgs that this issuer may speak for, and what it calls them; needed without <see cref="OrgId"/>.</summary>
    public IReadOnlyList<OutsideOrgOptions> Orgs { get; set; } = [];

    /// <summary>Name of a namespaced claim with the org, such as <c>https://hpc.example.org/org_id</c>.</summary>
    public string? OrgClaim { get; set; }

    /// <summary>Claim with the Unix name that owns usage and receipts. It must be one that users cannot edit themselves.</summary>
    public string UsernameClaim { get; set; } = Claims.Username;

    /// <summary>The first rule that holds gives the role; without one it is <c>user</c>.</summary>
    public IReadOnlyList<RoleRule> RoleRules { get; set; } = [];

    public IReadOnlyList<string> TypesInForce => Types.Count > 0 ? Types : ["at+jwt"];

    public IReadOnlyList<string> AlgorithmsInForce => Algorithms.Count > 0 ? Algorithms : [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256];

    /// <summary>Address of the discovery document.</summary>
    public string DiscoveryAddress => MetadataAddress ?? Authority.TrimEnd('/') + "/.well-known/openid-configuration";

    /// <summary>What is wrong with it, each with its key below <paramref name="section"/>.</summary>
    internal IEnumerable<string> Faults(string section, bool httpsOnly)
    {
        if (!IsAddress(Authority, httpsOnly)) yield return $"{section}:Authority must be the https address that the issuer's tokens carry as iss";
        if (MetadataAddress is not null && !IsAddress(MetadataAddress, httpsOnly)) yield return $"{section}:MetadataAddress must be an https address";
        if (Audience.Length == 0) yield return $"{section}:Audience is missing: tokens made for other sites would be accepted";
        if (NotAsymmetric(Algorithms) is { } algorithm) yield return $"{section}:Algorithms: {algorithm} is not one of {string.Join(", ", AsymmetricAlgorithms)}";
        if (OrgId is null && Orgs.Count == 0) yield return $"{section}:OrgId or :Orgs is missing: the issuer may speak for no org";
        if (OrgId is not null && Orgs.Count > 0) yield return $"{section}:OrgId and :Orgs exclude each other";
        if (Orgs.Any(org => org.Id == Guid.Empty)) yield return $"{section}:Orgs: each needs the Id of an org of this site";
        if (Orgs.GroupBy(org => org.ValueInForce, StringComparer.Ordinal).Any(same => same.Count() > 1)) yield return $"{section}:Orgs: a Value stands there twice";
        if (UsernameClaim.Length == 0) yield return $"{section}:UsernameClaim must name a claim";
        foreach (string fault in RoleRules.SelectMany((rule, index) => rule.Faults($"{section}:RoleRules:{index}"))) yield return fault;
    }

    /// <returns>The first of them that is no signature with a public key; null when all are.</returns>
    public static string? NotAsymmetric(IEnumerable<string> algorithms) => algorithms.Except(AsymmetricAlgorithms, StringComparer.Ordinal).FirstOrDefault();

    /// <summary>An https address; http on loopback, and elsewhere than in Production.</summary>
    public static bool IsAddress(string? text, bool httpsOnly) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? address)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && (!httpsOnly || address.IsLoopback)));
}

/// <summary>An org that an outside issuer may speak for.</summary>
public sealed class OutsideOrgOptions
{
    /// <summary>Our id of it.</summary>
    public Guid Id { get; set; }

    /// <summary>What the issuer's tokens call it; by default our id.</summary>
    public string? Value { get; set; }

    internal string ValueInForce => Value ?? Id.ToString();
}
