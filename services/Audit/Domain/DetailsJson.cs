using System.Text.Json;

namespace HpcBilling.Audit.Domain;

/// <summary>Reads details back from what <see cref="CanonicalRecord.Details"/> wrote.</summary>
internal static class DetailsJson
{
    /// <returns>False when the text is anything but one JSON object whose values are texts under names of their own.</returns>
    public static bool TryRead(string json, out Dictionary<string, string> details)
    {
        details = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return false;
            foreach (JsonProperty detail in document.RootElement.EnumerateObject())
            {
                if (detail.Value.ValueKind != JsonValueKind.String || !details.TryAdd(detail.Name, detail.Value.GetString()!)) return false;
            }

            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false; // not JSON, or text with half of a surrogate pair
        }
    }
}
