using System.Text.RegularExpressions;

namespace HpcBilling.Identity.Domain;

/// <summary>What somebody typed as his name: <c>alice</c>, or <c>alice@slug</c> to sign in to another org than the site's own.</summary>
/// <param name="Username">Unix name; case matters.</param>
/// <param name="OrgSlug">Short name of the org.</param>
internal sealed partial record SignInName(string Username, string OrgSlug)
{
    public const string DefaultOrgSlug = "default";

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex UsernamePattern { get; }

    public static bool IsUsername(string text) => UsernamePattern.IsMatch(text);

    /// <returns>Null when no account can have that name.</returns>
    public static SignInName? Parse(string? typed)
    {
        string[] parts = (typed ?? "").Trim().Split('@', 2);
        return IsUsername(parts[0]) ? new SignInName(parts[0], parts.Length == 2 ? parts[1] : DefaultOrgSlug) : null;
    }
}
