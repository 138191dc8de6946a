using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>HTTP/2 spoken frame by frame, to do what no client library does.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "WEB-08")]
public sealed class Http2LimitTests(Site site) : IClassFixture<Site>
{
    private const byte Headers = 1;
    private const byte ResetStream = 3;
    private const byte Settings = 4;
    private const byte GoAway = 7;
    private const byte EndOfStreamAndHeaders = 0x5;
    private const int EnhanceYourCalm = 11;
    private const int WithoutAWord = -1;
    private const int MaxConcurrentStreams = 3;
    private const int RequestsMax = 20_000;

    [Fact]
    public async Task The_server_says_how_many_streams_it_takes()
    {
        await using RawClient client = await GreetAsync();
        (byte kind, byte[] payload) = await ReadFrameAsync(client.Stream);
        Assert.Equal(Settings, kind);
        Dictionary<int, uint> settings = payload.Chunk(6).ToDictionary(entry => (int)BinaryPrimitives.ReadUInt16BigEndian(entry), entry => BinaryPrimitives.ReadUInt32BigEndian(entry.AsSpan(2)));
        Assert.Equal(100u, settings[MaxConcurrentStreams]);
    }

    [Fact]
    public async Task Requests_that_are_taken_back_at_once_end_the_connection_and_hold_up_nobody()
    {
        await using RawClient client = await GreetAsync();
        Task<int> ended = ErrorOfGoAwayAsync(client.Stream);
        byte[] request = [0x82, 0x87, 0x84, 0x41, 9, .. Encoding.ASCII.GetBytes("localhost")]; // GET, https, /, localhost
        int before = site.Services.Asked.Count;
        int said = 0;
        try
        {
            for (; said < RequestsMax && !ended.IsCompleted; said++)
            {
                int stream = (2 * said) + 1;
                await client.SayAsync([.. Frame(Headers, EndOfStreamAndHeaders, stream, request), .. Frame(ResetStream, 0, stream, [0, 0, 0, 8])]);
                if (said % 50 == 0) await Task.WhenAny(ended, Task.Delay(1)); // so that the answer is heard
            }
        }
        catch (IOException)
        {
            // Ended before all was said.
        }

        // The word before the end is lost when more is said meanwhile.
        int word = await ended;
        Assert.True(word is EnhanceYourCalm or WithoutAWord, $"error {word} after {said}");
        Assert.InRange(said, 1, RequestsMax - 1);
        Assert.InRange(site.Services.Asked.Count - before, 0, RequestsMax / 10);
        using HttpClient ordinary = site.Program();
        Assert.Equal(HttpStatusCode.OK, (await ordinary.GetAsync("/formula")).StatusCode);
    }

    private async Task<RawClient> GreetAsync()
    {
        RawClient client = await RawClient.ConnectAsync(site.Gateway.SecureAddress!.Port, SslApplicationProtocol.Http2);
        await client.SayAsync([.. Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), .. Frame(Settings, 0, 0, [])]);
        return client;
    }

    private static byte[] Frame(byte kind, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        frame[2] = (byte)payload.Length;
        frame[3] = kind;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static async Task<(byte Kind, byte[] Payload)> ReadFrameAsync(Stream stream)
    {
        byte[] head = new byte[9];
        await stream.ReadExactlyAsync(head);
        byte[] payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await stream.ReadExactlyAsync(payload);
        return (head[3], payload);
    }

    private static async Task<int> ErrorOfGoAwayAsync(Stream stream)
    {
        try
        {
            while (true)
            {
                (byte kind, byte[] payload) = await ReadFrameAsync(stream);
                if (kind == GoAway) return BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4));
            }
        }
        catch (IOException)
        {
            return WithoutAWord;
        }
    }
}
