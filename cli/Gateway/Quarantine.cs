using System.Text.Json.Nodes;

namespace HpcBilling.Cli.Gateway;

/// <summary>Lines that an import kept aside.</summary>
internal static class Quarantine
{
    public static IAsyncEnumerable<JsonObject> ReadAsync(GatewayClient gateway, Guid importId, CancellationToken cancellationToken) =>
        Pages.ReadAsync(gateway, $"api/v1/imports/{importId}/quarantine", cancellationToken);

    public static string Describe(JsonObject line) => $"line {line["line"]}: {line["reason"]}: {line["text"]}";
}
