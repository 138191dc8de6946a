using System.Globalization;
using System.Text;

namespace HpcBilling.Audit.Domain;

/// <summary>Bounds of an entry. What exceeds them is cut with a mark, never refused: a reported act always gets its entry.</summary>
internal static class EntryLimits
{
    public const int NameCharsMax = 100;
    public const int SubjectCharsMax = 300;
    public const int IpAddressCharsMax = 64;
    public const int DetailsMax = 32;
    public const int DetailNameCharsMax = 64;
    public const int DetailValueCharsMax = 1_000;
    public const string DroppedDetails = "_dropped";

    private const int TextCharsReadMax = 10 * DetailValueCharsMax;
    private const string CutMark = "…";

    /// <summary>The entry within bounds, free of secrets, in characters that PostgreSQL and UTF-8 can hold.</summary>
    public static AuditEntry Apply(AuditEntry entry) => entry with
    {
        OccurredAt = Microseconds(entry.OccurredAt),
        RecordedAt = Microseconds(entry.RecordedAt),
        Service = Text(entry.Service, NameCharsMax),
        Actor = Text(entry.Actor, NameCharsMax),
        Action = Text(entry.Action, NameCharsMax),
        Subject = Text(entry.Subject, SubjectCharsMax),
        Details = Details(entry.Details),
        IpAddress = string.IsNullOrEmpty(entry.IpAddress) ? null : Text(entry.IpAddress, IpAddressCharsMax),
    };

    private static Dictionary<string, string> Details(IReadOnlyDictionary<string, string> details)
    {
        var kept = new Dictionary<string, string>(StringComparer.Ordinal);
        int room = details.Count > DetailsMax ? DetailsMax - 1 : DetailsMax; // one place for the mark that some were dropped
        foreach ((string name, string value) in details.OrderBy(d => d.Key, StringComparer.Ordinal).Take(room))
        {
            string shown = Secrets.IsSecretName(name) ? Secrets.Redacted : Text(value, DetailValueCharsMax);
            kept[Text(name, DetailNameCharsMax)] = shown;
        }

        int dropped = details.Count - kept.Count;
        if (dropped > 0) kept[DroppedDetails] = dropped.ToString(CultureInfo.InvariantCulture);
        return kept;
    }

    private static string Text(string? text, int charsMax)
    {
        string bounded = text is null ? "" : text[..Math.Min(text.Length, TextCharsReadMax)];
        string storable = Secrets.Redact(Storable(bounded));
        if (storable.Length <= charsMax) return storable;
        int end = charsMax - CutMark.Length;
        if (char.IsHighSurrogate(storable[end - 1])) end--;
        return storable[..end] + CutMark;
    }

    // PostgreSQL has no U+0000 in text and UTF-8 no half surrogate pairs.
    private static string Storable(string text)
    {
        var storable = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            storable.Append(rune.Value == 0 ? Rune.ReplacementChar.ToString() : rune.ToString());
        return storable.ToString();
    }

    private static DateTimeOffset Microseconds(DateTimeOffset instant) =>
        new(instant.UtcTicks - (instant.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
