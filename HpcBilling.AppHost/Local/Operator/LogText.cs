using System.Text.Json;

namespace HpcBilling.AppHost.Local.Operator;

/// <summary>Log lines for people: the services write JSON, the servers plain text.</summary>
public static class LogText
{
    private const int TimeStart = 11;
    private const int TimeLength = 12;
    private const int LevelWidth = 8;

    /// <summary>Time, level, message and, below it, the reason of a failure; a line that is not such JSON stays as it is.</summary>
    public static string Readable(string line)
    {
        if (!line.StartsWith('{'))
            return line;
        try
        {
            using var entry = JsonDocument.Parse(line);
            if (Text(entry, "ts") is not { Length: > TimeStart + TimeLength } time || Text(entry, "msg") is not { } message)
                return line;
            var reason = Text(entry, "reason") is { } cause ? $"\n    {cause.ReplaceLineEndings("\n    ")}" : "";
            return $"{time.Substring(TimeStart, TimeLength)} {Text(entry, "level"),-LevelWidth}{message}{reason}";
        }
        catch (JsonException)
        {
            return line;
        }
    }

    private static string? Text(JsonDocument entry, string name) =>
        entry.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
