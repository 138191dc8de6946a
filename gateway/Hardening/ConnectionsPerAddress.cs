using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Hardening;

/// <summary>One client cannot take all connections: what is beyond its share is closed before the TLS handshake costs anything.</summary>
internal sealed class ConnectionsPerAddress(IOptions<LimitOptions> limits, GatewayMetrics metrics)
{
    private readonly int max = limits.Value.ConnectionsPerAddressMax;
    private readonly Dictionary<string, int> open = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    public async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        string client = ClientNetwork.Of((connection.RemoteEndPoint as IPEndPoint)?.Address);
        if (!TryEnter(client))
        {
            metrics.ConnectionRefused();
            connection.Abort();
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(client);
        }
    }

    private bool TryEnter(string client)
    {
        lock (gate)
        {
            int count = open.GetValueOrDefault(client);
            if (count >= max) return false;
            open[client] = count + 1;
            return true;
        }
    }

    private void Leave(string client)
    {
        lock (gate)
        {
            if (open[client] == 1) open.Remove(client);
            else open[client]--;
        }
    }
}
