namespace HpcBilling.Identity.Domain;

/// <summary>NIST SP 800-63B: length counts, composition rules do not.</summary>
internal static class PasswordRules
{
    public const int CharactersMin = 12;

    /// <summary>Bound on the work of hashing one.</summary>
    public const int CharactersMax = 256;

    /// <returns>Why the password is not taken; null when it is.</returns>
    public static string? Refusal(string password, string username) => password switch
    {
        { Length: < CharactersMin } => $"must have at least {CharactersMin} characters",
        { Length: > CharactersMax } => $"must have at most {CharactersMax} characters",
        _ when password.Contains(username, StringComparison.OrdinalIgnoreCase) && username.Length >= 4 => "must not contain the username",
        _ => null,
    };
}
