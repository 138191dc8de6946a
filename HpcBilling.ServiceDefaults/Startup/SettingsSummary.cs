using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace HpcBilling.ServiceDefaults.Startup;

/// <summary>The settings of a process on one line, secrets as <c>***</c>.</summary>
internal static partial class SettingsSummary
{
    private const string Hidden = "***";
    private const int ValueCharactersMax = 200;

    // Both are linear; a machine that stands still for a second must not stop a start.
    private const int PatienceMilliseconds = 60_000;

    // Words of a name after which nothing is shown; a number under a key's name (KeyRefreshSeconds) is none.
    private static readonly string[] SecretWords = ["secret", "password", "pwd", "token", "credential", "credentials", "pem", "jwks"];
    private static readonly string[] KeyWords = ["key", "keys"];

    /// <summary>Settings of sections alone: what else is in the environment of a process is not ours to repeat.</summary>
    public static string Of(IConfiguration configuration) => string.Join(", ",
        from setting in configuration.AsEnumerable()
        where setting.Value is not null && setting.Key.Contains(':', StringComparison.Ordinal)
        orderby setting.Key
        select $"{setting.Key}={Shown(setting.Key, setting.Value!)}");

    public static string Shown(string key, string value)
    {
        string[] words = [.. Words().Matches(key).Select(word => word.Value.ToLowerInvariant())];
        if (words.Intersect(SecretWords, StringComparer.Ordinal).Any()) return Hidden;
        bool isNumber = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
        if (words.Intersect(KeyWords, StringComparer.Ordinal).Any() && !isNumber) return Hidden;
        string safe = Userinfo().Replace(key.StartsWith("ConnectionStrings:", StringComparison.OrdinalIgnoreCase) ? Connection(value) : value, "${user}" + Hidden + "@");
        return safe.Length <= ValueCharactersMax ? safe : safe[..ValueCharactersMax] + "…";
    }

    // A connection string that cannot be read cannot be shown in part.
    private static string Connection(string value)
    {
        if (Uri.TryCreate(value, UriKind.Absolute, out _)) return value;
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = value };
            foreach (string name in parts.Keys.Cast<string>().Where(name => Words().Matches(name).Any(word => SecretWords.Contains(word.Value.ToLowerInvariant()))).ToArray())
                parts[name] = Hidden;
            return parts.ConnectionString;
        }
        catch (ArgumentException)
        {
            return Hidden;
        }
    }

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: PatienceMilliseconds)]
    private static partial Regex Words();

    [GeneratedRegex(@"(?<=://)(?<user>[^/@\s:]*:?)[^/@\s]*@", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: PatienceMilliseconds)]
    private static partial Regex Userinfo();
}
