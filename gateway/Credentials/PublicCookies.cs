using System.Collections.Frozen;

namespace HpcBilling.Gateway.Credentials;

/// <summary>The cookies of the site; there are no others.</summary>
internal static class PublicCookies
{
    public const string Session = "__Host-session";
    public const string Csrf = "__Host-csrf";
    public const string Language = "__Host-language";

    /// <summary>A sign-in that is under way; it goes between a browser and identity alone.</summary>
    public const string SignIn = "__Host-signin";

    /// <summary>A visit at another sign-in provider that is under way; as above.</summary>
    public const string Visit = "__Host-visit";

    private const string Identity = "identity";
    private static readonly FrozenSet<string> Services = new[] { Csrf, Language }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>What a service is shown.</summary>
    public static bool MayRead(string service, string cookie) => Services.Contains(cookie) || (service == Identity && cookie is (SignIn or Visit));

    /// <summary>What a service may set; the session cookie is identity's to set and the gateway's to read.</summary>
    public static bool MaySet(string service, string cookie) => MayRead(service, cookie) || (service == Identity && cookie == Session);
}
