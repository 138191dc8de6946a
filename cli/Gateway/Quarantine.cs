using System.Text.Json.Nodes;

namespace HpcBilling.Cli.Gateway;

/// <summary>Lines that an import kept aside.</summary>
internal static class Quarantine
{
    public static IAsyncEnumerable<JsonObject> ReadAsync(GatewayClient gateway, Guid importId, CancellationToken cancellationToken) =>
        Pages.ReadAsync(gateway, $"api/v1/imports/{importId}/quarantine", cancellationToken);

    public static string Describe(JsonObject line) => $"line {line["line"]}: {line["reason"]}: {line["text"]}";

    /// <summary>A record of the quarantine as a whole, with the id by which it is named.</summary>
    public static string DescribeRecord(JsonObject record)
    {
        string where = record["importId"] is { } import ? $"import {import} line {record["line"]}" : $"{record["source"]} ({record["times"]} times)";
        string reason = record["dismissedBecause"] is { } because ? $"{record["reason"]} (dismissed: {because})" : $"{record["reason"]}";
        return $"{record["id"]} {record["state"]} {record["cluster"]?.ToString() ?? "unknown"} {where}: {reason}: {record["text"]}";
    }
}
