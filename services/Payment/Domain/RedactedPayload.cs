using System.Text.Json;
using System.Text.Json.Nodes;

namespace HpcBilling.Payment.Domain;

/// <summary>A provider's event as it may be stored: the fields that we act on, and of the rest only that they were there.</summary>
internal static class RedactedPayload
{
    public const string Redacted = "[redacted]";
    private const int FieldsMax = 64;
    private const int NameCharsMax = 64;
    private const int ValueCharsMax = 200;

    private static readonly HashSet<string> Kept = new(StringComparer.Ordinal) { "id", "type", "session", "amountMinor", "currency", "created" };

    /// <summary>One flat JSON object; whatever is not a kept scalar is replaced, so that no card or customer data gets in.</summary>
    public static string Of(JsonElement payload)
    {
        var stored = new JsonObject();
        foreach (JsonProperty field in payload.EnumerateObject().Take(FieldsMax))
        {
            bool isScalar = field.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False;
            bool keep = Kept.Contains(field.Name) && isScalar && field.Value.GetRawText().Length <= ValueCharsMax;
            string name = field.Name.Length <= NameCharsMax ? field.Name : field.Name[..NameCharsMax];
            stored[name.Replace('\0', '\ufffd')] = keep ? JsonNode.Parse(field.Value.GetRawText()) : JsonValue.Create(Redacted);
        }

        return stored.ToJsonString();
    }
}
