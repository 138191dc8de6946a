namespace HpcBilling.Identity;

/// <summary>Enum members as the lower-case words of the database and the tokens.</summary>
internal static class Word
{
    public static string Of<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
