using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace HpcBilling.Identity;

/// <summary>A secret that its holder presents: 256 random bits; the database knows its SHA-256 alone.</summary>
/// <remarks>A plain hash is enough: unlike a password, 256 random bits cannot be guessed from it.</remarks>
internal static class Credential
{
    public const string PersonalAccessTokenPrefix = "hpcb_";
    private const int SecretBytes = 32;

    /// <summary>Longest text that can be one; anything longer is refused before it is hashed.</summary>
    public const int CharactersMax = 64;

    public static string NewSession() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>The prefix lets secret scanners recognise a token that leaked.</summary>
    public static string NewPersonalAccessToken() => PersonalAccessTokenPrefix + NewSession();

    public static byte[] Hash(string credential) => SHA256.HashData(Encoding.UTF8.GetBytes(credential));

    public static bool IsPersonalAccessToken(string text) =>
        text.StartsWith(PersonalAccessTokenPrefix, StringComparison.Ordinal) && IsSecret(text.AsSpan(PersonalAccessTokenPrefix.Length));

    private static bool IsSecret(ReadOnlySpan<char> text) =>
        text.Length == Base64Url.GetEncodedLength(SecretBytes) && Base64Url.IsValid(text);
}
