namespace HpcBilling.Identity.Domain;

/// <summary>Finds the runs that fingers and alphabets make by themselves.</summary>
internal static class PasswordSequences
{
    /// <summary>Shorter runs stand in every other word.</summary>
    private const int RunCharactersMin = 3;

    private static readonly string[] OneWay =
    [
        "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+", "qwertzuiop", "azertyuiop",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "qazwsxedcrfvtgbyhnujmik,ol.p;/", "zaq1xsw2cde3vfr4bgt5nhy6mju7",
        "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "a1b2c3d4e5f6g7h8i9",
    ];

    private static readonly string[] Paths = [.. OneWay, .. OneWay.Select(path => string.Concat(path.Reverse()))];

    /// <summary>Characters of a password when each run counts as one.</summary>
    public static int Unpredictable(string password)
    {
        string text = password.ToLowerInvariant();
        int count = 0;
        for (int index = 0; index < text.Length; index += RunAt(text, index)) count++;
        return count;
    }

    /// <returns>For each character whether it is part of a run or no letter: what a word is dressed up with.</returns>
    public static bool[] Decoration(string text)
    {
        bool[] decoration = [.. text.Select(character => !char.IsLetter(character))];
        for (int index = 0, run; index < text.Length; index += run)
        {
            run = RunAt(text, index);
            if (run > 1) Array.Fill(decoration, value: true, index, run);
        }

        return decoration;
    }

    /// <returns>Length of the longest run that begins here; 1 when there is none.</returns>
    private static int RunAt(string text, int start)
    {
        int longest = 1;
        while (start + longest < text.Length && text[start + longest] == text[start]) longest++;
        foreach (string path in Paths)
        {
            while (start + longest < text.Length && path.AsSpan().Contains(text.AsSpan(start, longest + 1), StringComparison.Ordinal)) longest++;
        }

        return longest >= RunCharactersMin ? longest : 1;
    }
}
