using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace HpcBilling.ServiceDefaults.Http;

/// <summary>Opaque position in a list: the sort key of the last row that was shown.</summary>
public static class PageCursor
{
    private const int EncodedMax = 1024;

    public static string Encode(params string[] key) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(key));

    /// <returns>False when the text is not a cursor of <paramref name="count"/> parts; an absent cursor is the start and gives an empty key.</returns>
    public static bool TryDecode(string? cursor, int count, out string[] key)
    {
        key = [];
        if (string.IsNullOrEmpty(cursor)) return true;
        if (cursor.Length > EncodedMax || !Base64Url.IsValid(cursor)) return false;
        try
        {
            key = JsonSerializer.Deserialize<string[]>(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor))) ?? [];
        }
        catch (JsonException)
        {
            return false;
        }

        return key.Length == count && Array.TrueForAll(key, part => part is not null);
    }
}
