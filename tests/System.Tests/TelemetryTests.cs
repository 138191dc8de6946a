using HpcBilling.System.Tests.Infrastructure;

namespace HpcBilling.System.Tests;

[Collection(nameof(Platform))]
public sealed class TelemetryTests(Platform platform)
{
    [Fact]
    [Trait("Control", "OPS-03")]
    public async Task One_trace_spans_gateway_service_broker_service_and_sql()
    {
        await platform.ImportAsync(AccountingLog.Make("traced", 10, "carol"));
        using WebSession carol = await platform.SignInAsync("carol");
        await Platform.CreateOwnReceiptAsync(carol);
        await Wait.UntilAsync("a trace from the browser's request to payment's tables", () => Task.FromResult(platform.Telemetry.Spans
            .GroupBy(span => span.TraceId, StringComparer.Ordinal)
            .Any(trace =>
                Has(trace, "gateway", "Microsoft.AspNetCore") && Has(trace, "portal", "Microsoft.AspNetCore") && Has(trace, "rating", "Npgsql")
                && Has(trace, "rating", "MassTransit") && Has(trace, "payment", "MassTransit") && Has(trace, "payment", "Npgsql"))));
        await Wait.UntilAsync("metrics and logs too", () =>
            Task.FromResult(platform.Telemetry.Exports.ContainsKey("metrics") && platform.Telemetry.Exports.ContainsKey("logs")));
    }

    private static bool Has(IEnumerable<Span> trace, string service, string scope) => trace.Any(span => span.Service == service && span.Scope == scope);
}
