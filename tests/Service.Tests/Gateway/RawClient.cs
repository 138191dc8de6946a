using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>A connection to a gateway on which anything can be said, also what no HTTP client would say.</summary>
public sealed class RawClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private readonly TcpClient socket = new() { NoDelay = true };
    private readonly CancellationTokenSource patience = new(Patience);
    private SslStream tls = null!;

    private RawClient()
    {
    }

    public SslApplicationProtocol Protocol => tls.NegotiatedApplicationProtocol;

    public Stream Stream => tls;

    public static async Task<RawClient> ConnectAsync(int port, params SslApplicationProtocol[] protocols)
    {
        var client = new RawClient();
        await client.socket.ConnectAsync(IPAddress.Loopback, port, client.patience.Token);
        client.tls = new SslStream(client.socket.GetStream());
        await client.tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ApplicationProtocols = [.. protocols],
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
            client.patience.Token);
        return client;
    }

    /// <summary>One connection, one text, everything that comes back until the connection ends.</summary>
    public static async Task<string> AskAsync(int port, string text)
    {
        await using RawClient client = await ConnectAsync(port);
        await client.SayAsync(text);
        return await client.HearAsync();
    }

    public Task SayAsync(string text) => SayAsync(Encoding.Latin1.GetBytes(text));

    public async Task SayAsync(byte[] bytes)
    {
        await tls.WriteAsync(bytes, patience.Token);
        await tls.FlushAsync(patience.Token);
    }

    /// <summary>Until the other side ends the connection, however it does.</summary>
    public async Task<string> HearAsync()
    {
        var heard = new StringBuilder();
        byte[] buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await tls.ReadAsync(buffer, patience.Token)) > 0;) heard.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // Cut off.
        }

        return heard.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        if (tls is not null) await tls.DisposeAsync();
        socket.Dispose();
        patience.Dispose();
    }
}
