using System.Globalization;

namespace HpcBilling.Ui;

/// <summary>Sentences of <c>Words.resx</c> with their blanks filled in.</summary>
public static class Sentences
{
    /// <summary><c>Words.RunsUntil.With(12, "2026-11-22")</c></summary>
    public static string With(this string sentence, params object?[] blanks) => string.Format(CultureInfo.InvariantCulture, sentence, blanks);
}
