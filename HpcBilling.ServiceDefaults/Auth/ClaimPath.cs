using System.Text.Json;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Finds a claim in a token's payload by its name or by a path such as <c>app_metadata.org_id</c>.</summary>
public static class ClaimPath
{
    /// <returns>The one text value; null when there is none, or several.</returns>
    public static string? Value(JsonElement claims, string path) => Values(claims, path) is [var only] ? only : null;

    /// <returns>The value, or the values of the array, as texts; empty when there is no such claim.</returns>
    public static IReadOnlyList<string> Values(JsonElement claims, string path) => Find(claims, path) switch
    {
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        { ValueKind: JsonValueKind.Array } array => [.. array.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)],
        _ => [],
    };

    // A namespaced claim has dots in its own name: the name as it stands wins over the path.
    private static JsonElement? Find(JsonElement claims, string path)
    {
        if (claims.ValueKind != JsonValueKind.Object) return null;
        if (claims.TryGetProperty(path, out JsonElement named)) return named;
        string[] steps = path.Split('.', 2);
        return steps.Length == 2 && claims.TryGetProperty(steps[0], out JsonElement inner) ? Find(inner, steps[1]) : null;
    }
}
