using System.Text.RegularExpressions;

namespace HpcBilling.Audit.Domain;

/// <summary>Second net behind the services, which must not report secrets at all: what looks like one is not kept.</summary>
internal static partial class Secrets
{
    public const string Redacted = "[redacted]";

    private const int MatchTimeoutMilliseconds = 1_000;

    private static readonly HashSet<string> SecretWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "password", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "bearer", "authorization", "cookie", "credential",
        "credentials", "card", "cvv", "cvc", "pan", "pin", "otp", "apikey", "privatekey",
    };

    // `tokenId` or `secretVersion` tell which one, not what it is.
    private static readonly HashSet<string> HarmlessLastWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "id", "name", "kind", "type", "count", "days", "expires", "scopes", "version",
    };

    public static bool IsSecretName(string name)
    {
        List<string> words = [.. Word().Matches(name).Select(match => match.Value)];
        if (words.Count == 0 || HarmlessLastWords.Contains(words[^1])) return false;
        return words.Any(SecretWords.Contains)
            || words.Zip(words.Skip(1), (first, second) => first + second).Any(SecretWords.Contains);
    }

    /// <summary>Replaces bearer tokens, access tokens of this system and card numbers inside a text.</summary>
    public static string Redact(string text)
    {
        string withoutTokens = Token().Replace(text, Redacted);
        return CardNumber().Replace(withoutTokens, match => PassesLuhn(match.ValueSpan) ? Redacted : match.Value);
    }

    private static bool PassesLuhn(ReadOnlySpan<char> digits)
    {
        int sum = 0;
        bool isDoubled = false;
        for (int i = digits.Length - 1; i >= 0; i--)
        {
            if (!char.IsAsciiDigit(digits[i])) continue;
            int digit = (digits[i] - '0') * (isDoubled ? 2 : 1);
            sum += digit > 9 ? digit - 9 : digit;
            isDoubled = !isDoubled;
        }

        return sum % 10 == 0;
    }

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", RegexOptions.ExplicitCapture, MatchTimeoutMilliseconds)]
    private static partial Regex Word();

    [GeneratedRegex(
        @"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|\bhpcb_[\w-]{8,}|\b[Bb]earer\s+[\w.~+/=-]{8,}", RegexOptions.ExplicitCapture, MatchTimeoutMilliseconds)]
    private static partial Regex Token();

    // 13 to 19 digits, alone or in groups; not a part of an id or a longer number.
    [GeneratedRegex(@"(?<![\w.-])[1-9]([ -]?[0-9]){12,18}(?![\w.-])", RegexOptions.ExplicitCapture, MatchTimeoutMilliseconds)]
    private static partial Regex CardNumber();
}
