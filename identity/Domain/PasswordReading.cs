namespace HpcBilling.Identity.Domain;

/// <summary>A password as a guesser reads it: without case, with signs taken for the letters they look like, with or without separators.</summary>
/// <param name="Text">Lower case.</param>
/// <param name="CoreStart">Before it stands nothing but digits, signs and sequences.</param>
/// <param name="CoreEnd">Nor from here on.</param>
internal sealed record PasswordReading(string Text, int CoreStart, int CoreEnd)
{
    /// <summary>The first one is the password itself in lower case.</summary>
    public static IReadOnlyList<PasswordReading> All(string password)
    {
        string lower = password.ToLowerInvariant();
        bool[] decoration = PasswordSequences.Decoration(lower);
        if (!decoration.Contains(false)) decoration = [.. lower.Select(character => !char.IsLetter(character))]; // xxxzzz2026: then its letters are the word
        string[] texts = [lower, Unmasked(lower, one: 'i'), Unmasked(lower, one: 'l')];
        return [.. texts.Select(text => Of(text, decoration)), .. texts.Select(text => WithoutSeparators(text, decoration))];
    }

    private static string Unmasked(string text, char one) => string.Create(text.Length, (text, one), static (letters, source) =>
    {
        for (int index = 0; index < letters.Length; index++)
        {
            letters[index] = source.text[index] switch
            {
                '4' or '@' => 'a',
                '3' => 'e',
                '6' or '9' => 'g',
                '1' or '!' or '|' => source.one,
                '0' => 'o',
                '5' or '$' => 's',
                '7' or '+' => 't',
                var other => other,
            };
        }
    });

    private static PasswordReading WithoutSeparators(string text, bool[] decoration)
    {
        int[] kept = [.. Enumerable.Range(0, text.Length).Where(index => char.IsLetterOrDigit(text[index]))];
        return Of(string.Concat(kept.Select(index => text[index])), [.. kept.Select(index => decoration[index])]);
    }

    private static PasswordReading Of(string text, bool[] decoration)
    {
        int first = Array.IndexOf(decoration, false);
        return first < 0
            ? new PasswordReading(text, 0, text.Length) // no letter at all: only the whole of it can be a common password
            : new PasswordReading(text, first, Array.LastIndexOf(decoration, false) + 1);
    }
}
