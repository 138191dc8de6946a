using System.Globalization;

namespace HpcBilling.Usage.Domain;

/// <summary>Instants as people and scripts write them.</summary>
internal static class InstantText
{
    public const string Expected = "must be a date (2024-01-01, in UTC) or an instant with its offset";

    private static readonly string[] Forms = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK"];

    public static bool TryParse(string? text, out DateTimeOffset instant)
    {
        instant = default;
        bool isDate = DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date);
        if (isDate) instant = new DateTimeOffset(date, TimeOnly.MinValue, TimeSpan.Zero);
        return isDate || (text is not null && (text.EndsWith('Z') || text.Length > 19) && DateTimeOffset.TryParseExact(
            text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out instant));
    }
}
