using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>Clients that take their time: they are cut off, and nobody else waits for them.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "WEB-08")]
public sealed class SlowClientTests(SlowClientTests.ImpatientSite impatient) : IClassFixture<SlowClientTests.ImpatientSite>
{
    private const int Clients = 40;
    private static readonly TimeSpan CutOffWithin = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ever = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Drip = TimeSpan.FromMilliseconds(250);

    private int Port => impatient.Site.Gateway.SecureAddress!.Port;

    [Theory]
    [InlineData("says nothing")]
    [InlineData("asks nothing")]
    [InlineData("drips its headers")]
    [InlineData("drips its body")]
    [InlineData("drips its body in chunks")]
    [InlineData("takes nothing of its answer")]
    public async Task A_slow_client_is_cut_off_and_nobody_waits_for_it(string kind)
    {
        using var stop = new CancellationTokenSource();
        Task<List<TimeSpan>> ordinary = AnswersAsync(stop.Token);
        TimeSpan[] cut = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => HeldAsync(kind)));
        await stop.CancelAsync();
        List<TimeSpan> answers = await ordinary;
        Assert.All(cut, held => Assert.InRange(held, TimeSpan.FromSeconds(0.5), CutOffWithin));
        answers.Sort();
        Assert.InRange(answers[answers.Count * 95 / 100], TimeSpan.Zero, Promptly);
        Assert.InRange(answers[^1], TimeSpan.Zero, Ever); // a busy machine takes a moment now and then; a gateway without a free hand never answers
    }

    [Fact]
    public async Task A_client_has_its_share_of_connections_and_no_more()
    {
        await using RunningService gateway = impatient.Site.Gateway.Replica();
        gateway.Settings["Gateway__Limits__ConnectionsPerAddressMax"] = "20";
        gateway.Settings["Gateway__Limits__HandshakeSecondsMax"] = "60";
        await gateway.StartAsync();
        int port = gateway.SecureAddress!.Port;
        List<TcpClient> held = [];
        try
        {
            int turnedAway = 0;
            for (int number = 0; number < 30; number++)
            {
                try
                {
                    held.Add(await ConnectAsync(port, "127.0.0.31"));
                }
                catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
                {
                    turnedAway++; // closed before this end had noticed that it was open
                }
            }

            await Wait.UntilAsync("ten of thirty are closed", () => Task.FromResult(turnedAway + held.Count(IsClosed) == 10));
            using var neighbour = new HttpClient(Gateways.Handler(IPAddress.Parse("127.0.0.32"))) { BaseAddress = gateway.SecureAddress };
            Assert.Equal(HttpStatusCode.OK, (await neighbour.GetAsync("/formula")).StatusCode);

            // What is given back can be used again.
            held.ForEach(client => client.Dispose());
            await Wait.UntilAsync("the client may come back", async () =>
            {
                using var again = new HttpClient(Gateways.Handler(IPAddress.Parse("127.0.0.31"))) { BaseAddress = gateway.SecureAddress };
                return (await again.GetAsync("/formula")).StatusCode == HttpStatusCode.OK;
            });
        }
        finally
        {
            held.ForEach(client => client.Dispose());
        }
    }

    [Theory]
    [InlineData("HeaderSecondsMax", "0", "Gateway:Limits:HeaderSecondsMax must be between 1 and 60")]
    [InlineData("BodyBytesMax", "1", "Gateway:Limits:BodyBytesMax must be between 16 KiB and 64 MiB")]
    public async Task A_limit_that_makes_no_sense_does_not_start(string limit, string value, string words)
    {
        await using RunningService wrong = impatient.Site.Gateway.Replica();
        wrong.Settings["Gateway__Limits__" + limit] = value;
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(wrong.StartAsync);
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    private static async Task<TcpClient> ConnectAsync(int port, string from)
    {
        var client = new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0));
        await client.ConnectAsync(IPAddress.Loopback, port);
        return client;
    }

    private static bool IsClosed(TcpClient client) => client.Client.Poll(0, SelectMode.SelectRead);

    /// <summary>How long the gateway put up with it.</summary>
    private async Task<TimeSpan> HeldAsync(string kind)
    {
        using var patience = new CancellationTokenSource(CutOffWithin + TimeSpan.FromSeconds(5));
        long began = Stopwatch.GetTimestamp();
        if (kind == "says nothing")
        {
            using TcpClient silent = await ConnectAsync(Port, "127.0.0.1");
            await UntilClosedAsync(silent.GetStream(), patience.Token);
            return Stopwatch.GetElapsedTime(began);
        }

        await using RawClient client = await RawClient.ConnectAsync(Port);
        began = Stopwatch.GetTimestamp();
        (string head, string drop) = kind switch
        {
            "drips its headers" => ("GET /formula HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a"),
            "drips its body" => ("POST /payments/webhook/dummy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", "a"),
            "drips its body in chunks" => ("POST /payments/webhook/dummy HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"),
            "takes nothing of its answer" => ("GET /_ui/large HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
            _ => ("", ""),
        };
        await client.SayAsync(head);
        if (kind == "takes nothing of its answer") await UntilItCannotWriteAsync(client, patience.Token);
        else await Task.WhenAny(DripAsync(client, drop, patience.Token), UntilClosedAsync(client.Stream, patience.Token));
        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task DripAsync(RawClient client, string drop, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Drip, cancellation);
                if (drop.Length > 0) await client.SayAsync(drop);
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            // Cut off.
        }
    }

    // Nothing is read, so the end of the connection shows in writing alone.
    private static async Task UntilItCannotWriteAsync(RawClient client, CancellationToken cancellation)
    {
        byte[] next = Encoding.ASCII.GetBytes("\r\n");
        try
        {
            while (true)
            {
                await Task.Delay(Drip, cancellation);
                await client.SayAsync(next);
            }
        }
        catch (IOException)
        {
            // Cut off.
        }
    }

    private static async Task UntilClosedAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer, cancellation) > 0)
            {
                // An answer such as 408 comes before the end.
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // Cut off.
        }
    }

    private async Task<List<TimeSpan>> AnswersAsync(CancellationToken stopping)
    {
        List<TimeSpan> answers = [];
        while (!stopping.IsCancellationRequested)
        {
            using HttpClient client = impatient.Site.Program(); // a new connection each time: that is what could be refused
            long began = Stopwatch.GetTimestamp();
            using HttpResponseMessage answer = await client.GetAsync("/formula", CancellationToken.None);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            answers.Add(Stopwatch.GetElapsedTime(began));
        }

        return answers;
    }

    public sealed class ImpatientSite(Servers servers) : IAsyncLifetime
    {
        public Site Site { get; private set; } = null!;

        public async Task InitializeAsync() => Site = await Site.StartAsync(servers, gatewayAlone: new Dictionary<string, string>
        {
            ["Gateway__Limits__HandshakeSecondsMax"] = "2",
            ["Gateway__Limits__HeaderSecondsMax"] = "2",
            ["Gateway__Limits__IdleSecondsMax"] = "2",
            ["Gateway__Limits__BytesPerSecondMin"] = "1000000", // what the network's buffers take at once is soon used up
            ["Gateway__RateLimits__GeneralPerMinute"] = "1000000",
            ["Gateway__Limits__SlowSecondsMax"] = "2",
        });

        public async Task DisposeAsync() => await Site.DisposeAsync();
    }
}
