using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace HpcBilling.ServiceDefaults.Telemetry;

/// <summary>One JSON object a line: <c>ts, level, msg, category, user_id, ip, reason, trace_id</c> and what else the message names.</summary>
internal sealed class JsonLogFormatter(TimeProvider clock) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "hpcbilling-json";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("ts", clock.GetUtcNow());
            json.WriteString("level", Level(logEntry.LogLevel));
            json.WriteString("msg", logEntry.Formatter(logEntry.State, null));
            json.WriteString("category", logEntry.Category);
            WriteFields(json, logEntry.State);
            if (Activity.Current is { } activity) json.WriteString("trace_id", activity.TraceId.ToString());
            if (logEntry.Exception is { } exception) json.WriteString("reason", exception.ToString());
            json.WriteEndObject();
        }

        textWriter.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void WriteFields<TState>(Utf8JsonWriter json, TState state)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> fields) return;
        foreach ((string name, object? value) in fields)
        {
            if (name == "{OriginalFormat}" || value is null) continue;
            json.WriteString(JsonNamingPolicy.SnakeCaseLower.ConvertName(name), Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Critical => "CRITICAL",
        LogLevel.Error => "ERROR",
        LogLevel.Warning => "WARNING",
        LogLevel.Information => "INFO",
        _ => "DEBUG",
    };
}
