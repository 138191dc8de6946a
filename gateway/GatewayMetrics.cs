using System.Diagnostics.Metrics;

namespace HpcBilling.Gateway;

/// <summary>What the framework and the proxy do not count by themselves.</summary>
internal sealed class GatewayMetrics(IMeterFactory meters)
{
    private readonly Counter<long> violations = Create(meters, "hpcbilling.gateway.csp_violations", "Violations of the content security policy that browsers reported");
    private readonly Counter<long> refusals = Create(meters, "hpcbilling.gateway.connections_refused", "Connections beyond a client's share");

    /// <param name="directive">One of a closed set: what a client writes is no label.</param>
    public void ContentSecurityViolated(string directive) => violations.Add(1, new KeyValuePair<string, object?>("directive", directive));

    public void ConnectionRefused() => refusals.Add(1);

    private static Counter<long> Create(IMeterFactory meters, string name, string description) =>
        meters.Create("HpcBilling.Gateway").CreateCounter<long>(name, description: description);
}
