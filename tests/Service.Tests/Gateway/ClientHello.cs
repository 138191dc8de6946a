using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>The first message of a TLS handshake, byte by byte: a client library of today would refuse to say what must be refused.</summary>
internal static class ClientHello
{
    private const byte Alert = 21;
    private const byte Handshake = 22;

    /// <summary>0 when the server goes on with the handshake, otherwise the alert that it ends it with.</summary>
    /// <param name="port">Of the gateway.</param>
    /// <param name="version">Highest version that is offered: 0x0303 is TLS 1.2.</param>
    /// <param name="ciphers">Suites that are offered.</param>
    public static async Task<int> SendAsync(int port, ushort version, params ushort[] ciphers)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, patience.Token);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Record(version, ciphers), patience.Token);
        byte[] answer = new byte[7];
        await stream.ReadExactlyAsync(answer, patience.Token);
        return answer[0] switch
        {
            Handshake => 0,
            Alert => answer[6],
            _ => throw new InvalidDataException($"Neither handshake nor alert: {Convert.ToHexString(answer)}"),
        };
    }

    private static byte[] Record(ushort version, ushort[] ciphers)
    {
        byte[] body =
        [
            .. Number(version), .. RandomNumberGenerator.GetBytes(32),
            0, // no session to resume
            .. Number((ushort)(ciphers.Length * 2)), .. ciphers.SelectMany(Number),
            1, 0, // no compression
            .. Sized(
            [
                .. Extension(10, Sized(Number(23))), // P-256
                .. Extension(11, [1, 0]), // uncompressed points
                .. Extension(13, Sized([4, 3, 2, 3, 4, 1, 2, 1])), // ECDSA and RSA, with SHA-256 and with SHA-1
            ]),
        ];
        byte[] message = [1, 0, .. Number((ushort)body.Length), .. body];
        return [Handshake, 3, 1, .. Sized(message)];
    }

    private static byte[] Extension(ushort type, byte[] content) => [.. Number(type), .. Sized(content)];

    private static byte[] Sized(byte[] content) => [.. Number((ushort)content.Length), .. content];

    private static byte[] Number(ushort value)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        return bytes;
    }
}
