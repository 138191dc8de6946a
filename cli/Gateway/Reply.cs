using System.Text.Json;
using System.Text.Json.Nodes;

namespace HpcBilling.Cli.Gateway;

/// <summary>JSON from a service that may be newer or older than this program.</summary>
internal static class Reply
{
    public static JsonObject Parse(byte[] body, Uri url)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonObject>(body) ?? [];
        }
        catch (JsonException notJson)
        {
            throw new CommandFailedException(ExitCode.Failed, $"{url} answered something that is no JSON object; is it the gateway?", notJson);
        }
    }

    /// <summary>The reply in the shape that this program knows; what it does not know is ignored.</summary>
    public static T As<T>(this JsonObject reply)
    {
        try
        {
            return reply.Deserialize<T>(JsonSerializerOptions.Web)!;
        }
        catch (JsonException strange)
        {
            throw new CommandFailedException(ExitCode.Failed, $"the service answers in another way than this hpcb expects ({strange.Message})", strange);
        }
    }
}
