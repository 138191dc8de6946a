using System.Collections.Frozen;

namespace HpcBilling.Gateway.Credentials;

/// <summary>The cookies of the site; there are no others.</summary>
internal static class PublicCookies
{
    public const string Session = "__Host-session";
    public const string Csrf = "__Host-csrf";
    public const string Language = "__Host-language";

    /// <summary>What services may read and set; the session cookie is identity's to set and the gateway's to read.</summary>
    public static readonly FrozenSet<string> Services = new[] { Csrf, Language }.ToFrozenSet(StringComparer.Ordinal);
}
