using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace HpcBilling.Cli.Gateway;

/// <summary>Lists come a page at a time: <c>{"items": […], "nextCursor": "…"}</c>.</summary>
internal static class Pages
{
    // A list that never ends would be a defect of the service; ours to survive.
    private const int PagesMax = 10_000;

    /// <summary>Every item, page after page, as they are asked for.</summary>
    public static async IAsyncEnumerable<JsonObject> ReadAsync(
        GatewayClient gateway, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? cursor = null;
        for (var page = 0; page < PagesMax; page++)
        {
            JsonObject reply = await gateway.GetAsync(cursor is null ? path : Query.Add(path, ("cursor", cursor)), cancellationToken);
            foreach (JsonNode? item in reply["items"]?.AsArray() ?? [])
            {
                if (item is JsonObject found) yield return found;
            }

            cursor = reply["nextCursor"]?.GetValue<string>();
            if (cursor is null) yield break;
        }
    }

    public static async IAsyncEnumerable<T> ReadAsync<T>(
        GatewayClient gateway, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (JsonObject item in ReadAsync(gateway, path, cancellationToken))
            yield return item.As<T>();
    }
}

/// <summary>Query strings; a null value is left out.</summary>
internal static class Query
{
    public static string Add(string path, params (string Name, string? Value)[] parameters)
    {
        string query = string.Join('&', parameters.Where(p => p.Value is not null).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}"));
        if (query.Length == 0) return path;
        return path + (path.Contains('?', StringComparison.Ordinal) ? '&' : '?') + query;
    }
}
