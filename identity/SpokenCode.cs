using System.Security.Cryptography;

namespace HpcBilling.Identity;

/// <summary>A secret that people read, say and type: 80 random bits as <c>XXXX-XXXX-XXXX-XXXX</c>; the database knows its SHA-256 alone.</summary>
/// <remarks>The letters are Crockford's base 32, which has no I, L, O and U to mistake.</remarks>
internal static class SpokenCode
{
    private const string Letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Characters = 16;
    private const int GroupCharacters = 4;

    /// <summary>Longest text that is looked at.</summary>
    public const int TypedCharactersMax = 64;

    public static string New()
    {
        string code = RandomNumberGenerator.GetString(Letters, Characters);
        return string.Join('-', code.Chunk(GroupCharacters).Select(group => new string(group)));
    }

    /// <returns>Null when the text cannot be a code.</returns>
    public static byte[]? Hash(string typed)
    {
        if (typed.Length > TypedCharactersMax) return null;
        string code = string.Concat(typed.ToUpperInvariant().Where(character => character is not ('-' or ' ')).Select(Meant));
        return code.Length == Characters && code.All(Letters.Contains) ? Credential.Hash(code) : null;
    }

    /// <summary>Of a code made here.</summary>
    public static byte[] HashNew(string code) => Hash(code) ?? throw new ArgumentException("It is not a code.", nameof(code));

    private static char Meant(char typed) => typed switch
    {
        'O' => '0',
        'I' or 'L' => '1',
        _ => typed,
    };
}
