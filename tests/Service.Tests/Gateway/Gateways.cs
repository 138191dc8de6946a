using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>Connections to a gateway with a certificate of the test's own making.</summary>
internal static class Gateways
{
    /// <param name="from">Local address to connect from, so that one machine can be several clients.</param>
    public static SocketsHttpHandler Handler(IPAddress from) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost" },
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };
}
