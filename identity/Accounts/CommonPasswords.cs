using System.Collections.Frozen;

namespace HpcBilling.Identity.Accounts;

/// <summary>The bundled list of passwords and words that are guessed first.</summary>
internal static class CommonPasswords
{
    private const string Resource = "common-passwords.txt";
    private const char Remark = '#';

    public static FrozenSet<string> Load()
    {
        using Stream resource = typeof(CommonPasswords).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is missing from the assembly.");
        using var reader = new StreamReader(resource);
        return Lines(reader).Where(line => line.Length > 0 && line[0] != Remark).ToFrozenSet(StringComparer.Ordinal);
    }

    private static IEnumerable<string> Lines(StreamReader reader)
    {
        while (reader.ReadLine() is { } line) yield return line;
    }
}
