using System.Globalization;
using System.Text;

namespace HpcBilling.Audit.Domain;

/// <summary>The exact bytes of an entry that are hashed: JSON as RFC 8785 (JCS) writes it, in UTF-8.</summary>
/// <remarks>
/// Written by hand because the escaping of <c>System.Text.Json</c> follows Unicode tables that change between releases; these
/// bytes must be the same in twenty years. Source: docs/adr/0005-audit-chain.md.
/// </remarks>
internal static class CanonicalRecord
{
    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    // A lone surrogate has no UTF-8: refuse it rather than hash a replacement.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="EncoderFallbackException">A text holds half of a surrogate pair.</exception>
    public static byte[] Write(AuditEntry entry)
    {
        // RFC 8785 orders keys by UTF-16 code unit; these stand in that order.
        var json = new StringBuilder(512);
        AppendText(json.Append("{\"action\":"), entry.Action);
        AppendText(json.Append(",\"actor\":"), entry.Actor);
        json.Append(",\"details\":").Append(Details(entry.Details));
        AppendText(json.Append(",\"entryId\":"), entry.EntryId.ToString("D"));
        json.Append(",\"ipAddress\":");
        if (entry.IpAddress is null) json.Append("null");
        else AppendText(json, entry.IpAddress);
        AppendText(json.Append(",\"occurredAt\":"), Instant(entry.OccurredAt));
        AppendText(json.Append(",\"orgId\":"), entry.OrgId.ToString("D"));
        AppendText(json.Append(",\"recordedAt\":"), Instant(entry.RecordedAt));
        json.Append(",\"seq\":").Append(entry.Seq.ToString(CultureInfo.InvariantCulture));
        AppendText(json.Append(",\"service\":"), entry.Service);
        AppendText(json.Append(",\"subject\":"), entry.Subject);
        json.Append('}');
        return Utf8.GetBytes(json.ToString());
    }

    /// <summary>The details alone, in the same form; also their cell in the CSV export.</summary>
    public static string Details(IReadOnlyDictionary<string, string> details)
    {
        var json = new StringBuilder("{");
        foreach ((string name, string value) in details.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            if (json.Length > 1) json.Append(',');
            AppendText(json, name);
            AppendText(json.Append(':'), value);
        }

        return json.Append('}').ToString();
    }

    /// <summary>UTC with exactly six decimals: what PostgreSQL keeps, so that writing and reading back changes nothing.</summary>
    public static string Instant(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString(InstantFormat, CultureInfo.InvariantCulture);

    public static bool TryReadInstant(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParseExact(
            text,
            InstantFormat,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out instant);

    private static void AppendText(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\t' => json.Append("\\t"),
                '\n' => json.Append("\\n"),
                '\f' => json.Append("\\f"),
                '\r' => json.Append("\\r"),
                < ' ' => json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => json.Append(c),
            };
        }

        json.Append('"');
    }
}
