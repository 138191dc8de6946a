using System.Collections.Frozen;

namespace HpcBilling.Identity.Domain;

/// <summary>NIST SP 800-63B: length counts, composition rules do not, and what is guessed first is refused.</summary>
/// <param name="common">Common passwords and words in lower case.</param>
/// <param name="siteName">Name of this installation.</param>
/// <remarks>Source: docs/adr/0012-accounts.md.</remarks>
internal sealed class PasswordRules(FrozenSet<string> common, string siteName)
{
    public const int CharactersMin = 12;

    /// <summary>Bound on the work of hashing one.</summary>
    public const int CharactersMax = 256;

    /// <summary>Shorter names stand in too many innocent words.</summary>
    private const int NameCharactersMin = 4;

    /// <summary>A run such as <c>qwerty</c> or <c>2222</c> counts as one.</summary>
    private const int UnpredictableMin = 6;

    private readonly int commonCharactersMax = common.Count == 0 ? 0 : common.Max(word => word.Length);

    /// <returns>Why the password is not taken; null when it is.</returns>
    public string? Refusal(string password, string username)
    {
        if (password.Length < CharactersMin) return $"must have at least {CharactersMin} characters";
        if (password.Length > CharactersMax) return $"must have at most {CharactersMax} characters";
        IReadOnlyList<PasswordReading> readings = PasswordReading.All(password);
        if (Holds(readings, username)) return "must not contain the username";
        if (Holds(readings, siteName)) return "must not contain the name of this site";
        if (PasswordSequences.Unpredictable(password) < UnpredictableMin)
            return "must not be made of sequences such as abcdef, 12345, qwerty or zzzz";
        if (IsRepetition(readings[0])) return $"must not be something shorter than {CharactersMin} characters repeated";
        return readings.Any(IsCommon) ? "must not be a common password, or a common word with signs or digits around it or in place of letters" : null;
    }

    private static bool Holds(IReadOnlyList<PasswordReading> readings, string name)
    {
        string wanted = string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();
        return wanted.Length >= NameCharactersMin && readings.Any(reading => reading.Text.Contains(wanted, StringComparison.Ordinal));
    }

    // Also with decoration behind it: the repeated part may end anywhere from the last letter on.
    private static bool IsRepetition(PasswordReading reading)
    {
        for (int end = Math.Max(reading.CoreEnd, 2); end <= reading.Text.Length; end++)
        {
            ReadOnlySpan<char> text = reading.Text.AsSpan(0, end);
            for (int period = 1; period <= Math.Min(end / 2, CharactersMin - 1); period++)
            {
                if (text[period..].SequenceEqual(text[..^period])) return true;
            }
        }

        return false;
    }

    /// <summary>Whether taking nothing but decoration off either end leaves a common word.</summary>
    private bool IsCommon(PasswordReading reading)
    {
        FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> words = common.GetAlternateLookup<ReadOnlySpan<char>>();
        if (words.Contains(reading.Text)) return true;
        for (int start = 0; start <= reading.CoreStart; start++)
        {
            int longest = Math.Min(reading.Text.Length, start + commonCharactersMax);
            for (int end = Math.Max(reading.CoreEnd, start + NameCharactersMin); end <= longest; end++)
            {
                if (words.Contains(reading.Text.AsSpan(start, end - start))) return true;
            }
        }

        return false;
    }
}
