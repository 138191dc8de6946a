using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Identity.Federation;

/// <summary>One of <c>Identity:Providers</c>: an OpenID provider, such as the campus's, where people of an org may sign in.</summary>
internal sealed class ProviderOptions
{
    /// <summary>Word in the address of its sign-in: <c>/login/with/{Id}</c>.</summary>
    public string Id { get; set; } = "";

    /// <summary>What the button says.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its issuer, below which the discovery document lies.</summary>
    public string Authority { get; set; } = "";

    /// <summary>Our name there. Its redirect address is <c>https://{site}/login/with/{Id}/callback</c>.</summary>
    public string ClientId { get; set; } = "";

    public string ClientSecret { get; set; } = "";

    /// <summary>Space separated.</summary>
    public string Scopes { get; set; } = "openid profile";

    /// <summary>Signature algorithms of its ID tokens; by default ES256 and RS256.</summary>
    public IReadOnlyList<string> Algorithms { get; set; } = [];

    /// <summary>The org that its people belong to.</summary>
    public Guid OrgId { get; set; } = Orgs.Default;

    /// <summary>Opens an account at the first sign-in of somebody who has none; otherwise only linked accounts may sign in.</summary>
    public bool JustInTime { get; set; }

    /// <summary>Claim with the Unix name of a new account. It must be one that users cannot edit themselves.</summary>
    public string UsernameClaim { get; set; } = Claims.Username;

    /// <summary>Role of a new account: of the first rule that holds, otherwise <c>user</c>. Later an admin of the site changes it.</summary>
    public IReadOnlyList<RoleRule> RoleRules { get; set; } = [];

    public IReadOnlyList<string> AlgorithmsInForce => Algorithms.Count > 0 ? Algorithms : ["ES256", "RS256"];

    /// <summary>What is wrong with it, each with its key.</summary>
    public IEnumerable<string> Faults(string section, bool httpsOnly)
    {
        if (Id.Length is 0 or > 40 || Id.Any(letter => !char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter != '-'))
            yield return $"{section}:Id must be 1 to 40 lower-case letters, digits and '-'";
        if (Name.Length is 0 or > 100) yield return $"{section}:Name is missing, or has more than 100 characters";
        if (!OutsideIssuerOptions.IsAddress(Authority, httpsOnly)) yield return $"{section}:Authority must be the https address of the provider";
        if (ClientId.Length == 0) yield return $"{section}:ClientId is missing";
        if (ClientSecret.Length == 0) yield return $"{section}:ClientSecret is missing";
        if (!Scopes.Split(' ').Contains("openid", StringComparer.Ordinal)) yield return $"{section}:Scopes must contain openid";
        if (OutsideIssuerOptions.NotAsymmetric(Algorithms) is { } algorithm) yield return $"{section}:Algorithms: {algorithm} is not a public-key signature";
        if (OrgId == Guid.Empty) yield return $"{section}:OrgId must be the id of an org";
        if (UsernameClaim.Length == 0) yield return $"{section}:UsernameClaim must name a claim";
        foreach (string fault in RoleRules.SelectMany((rule, index) => rule.Faults($"{section}:RoleRules:{index}"))) yield return fault;
    }
}
