using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
[Trait("Control", "WEB-05")]
public sealed class TlsTests(Site site) : IClassFixture<Site>
{
    private const ushort Good = 0xC02B; // ECDHE-ECDSA-AES128-GCM-SHA256
    private const int HandshakeFailure = 40;
    private const int ProtocolVersion = 70;

    private int Port => site.Gateway.SecureAddress!.Port;

    [Theory]
    [InlineData(0x0303, 0)]
    [InlineData(0x0302, ProtocolVersion)]
    [InlineData(0x0301, ProtocolVersion)]
    [InlineData(0x0300, HandshakeFailure)]
    public async Task Versions_before_1_2_are_refused(ushort version, int alert) =>
        Assert.Equal(alert, await ClientHello.SendAsync(Port, version, Good, 0xC009, 0xC013, 0x002F, 0x000A));

    [Theory]
    [InlineData(Good, 0)]
    [InlineData(0xC009, HandshakeFailure)] // ECDHE-ECDSA-AES128-CBC-SHA1
    [InlineData(0xC008, HandshakeFailure)] // 3DES
    [InlineData(0xC007, HandshakeFailure)] // RC4
    [InlineData(0xC006, HandshakeFailure)] // no encryption
    [InlineData(0xC018, HandshakeFailure)] // no authentication
    [InlineData(0x002F, HandshakeFailure)] // RSA key exchange: no forward secrecy
    public async Task Weak_ciphers_are_refused(ushort cipher, int alert) => Assert.Equal(alert, await ClientHello.SendAsync(Port, 0x0303, cipher));

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Versions_1_2_and_1_3_are_spoken(SslProtocols protocol)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Port);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocol,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost",
        });
        Assert.Equal(protocol, tls.SslProtocol);
    }

    [Fact]
    public async Task The_protocol_is_chosen_in_the_handshake_http_2_first()
    {
        await using RawClient both = await RawClient.ConnectAsync(Port, SslApplicationProtocol.Http11, SslApplicationProtocol.Http2);
        Assert.Equal(SslApplicationProtocol.Http2, both.Protocol);
        await using RawClient old = await RawClient.ConnectAsync(Port, SslApplicationProtocol.Http11);
        Assert.Equal(SslApplicationProtocol.Http11, old.Protocol);
    }

    [Fact]
    public async Task Plain_text_on_the_secure_port_gets_no_page()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Port);
        await using NetworkStream stream = socket.GetStream();
        await stream.WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(stream);
        string answer = await ReadAsync(reader);
        Assert.DoesNotContain("200", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("<html", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_renewed_certificate_is_served_without_a_restart_and_a_broken_one_never()
    {
        await using RunningService gateway = site.Gateway.Replica();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hpcb-certificate-");
        string certificate = Path.Combine(folder.FullName, "tls.crt");
        string key = Path.Combine(folder.FullName, "tls.key");
        await WriteAsync("CN=first");
        gateway.Settings["Kestrel__Certificates__Default__Path"] = certificate;
        gateway.Settings["Kestrel__Certificates__Default__KeyPath"] = key;
        await gateway.StartAsync();
        int port = gateway.SecureAddress!.Port;
        Assert.Equal("CN=first", await SubjectAsync(port));

        // In place, one file after the other; a connection that was open stays.
        await using RawClient open = await RawClient.ConnectAsync(port);
        await WriteAsync("CN=second");
        await ServedAsync("CN=second");
        await open.SayAsync("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 404", await open.HearAsync(), StringComparison.Ordinal);

        // Broken in three ways: the old one stays, and the log says so once each time.
        int said = 0;
        foreach ((string text, string ofKey) in new[] { ("nonsense", "nonsense"), (TestCertificate.Make("CN=a stranger's key").Certificate, await File.ReadAllTextAsync(key)), TestCertificate.Make("CN=ended", validDays: -1) })
        {
            await File.WriteAllTextAsync(certificate, text);
            await File.WriteAllTextAsync(key, ofKey);
            said++;
            await Wait.UntilAsync("the broken certificate is noticed", () => Task.FromResult(Count(gateway.Log, "the old one stays") == said), seconds: 15);
            Assert.Equal("CN=second", await SubjectAsync(port));
        }

        // Replaced by renaming, as a careful tool does.
        (string next, string nextKey) = TestCertificate.Make("CN=third");
        await File.WriteAllTextAsync(certificate + ".new", next);
        await File.WriteAllTextAsync(key + ".new", nextKey);
        File.Move(key + ".new", key, overwrite: true);
        File.Move(certificate + ".new", certificate, overwrite: true);
        await ServedAsync("CN=third");
        folder.Delete(recursive: true);

        async Task WriteAsync(string subject)
        {
            (string text, string ofKey) = TestCertificate.Make(subject);
            await File.WriteAllTextAsync(certificate, text);
            await File.WriteAllTextAsync(key, ofKey);
        }

        Task ServedAsync(string subject) => Wait.UntilAsync($"new connections get {subject}", async () => await SubjectAsync(port) == subject, seconds: 10);
    }

    private static async Task<string> SubjectAsync(int port)
    {
        string subject = "";
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => (subject = certificate?.Subject ?? "").Length > 0,
        });
        return subject;
    }

    private static int Count(string log, string words) => log.Split('\n').Count(line => line.Contains(words, StringComparison.Ordinal));

    private static async Task<string> ReadAsync(StreamReader reader)
    {
        try
        {
            return await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
