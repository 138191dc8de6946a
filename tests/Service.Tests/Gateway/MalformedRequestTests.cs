using System.Globalization;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>
/// Requests that are none. What Kestrel's parser refuses never becomes a request, so that no middleware can add a header: the answer is
/// a status line, a date and the end of the connection, and says nothing about anything.
/// </summary>
[Collection(nameof(Servers))]
public sealed class MalformedRequestTests(Site site) : IClassFixture<Site>
{
    private int Port => site.Gateway.SecureAddress!.Port;

    [Theory]
    [Trait("Control", "WEB-04")]
    [Trait("Control", "WEB-06")]
    [InlineData(400, "nonsense\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n")]
    [InlineData(400, "GET https://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: localhost\r\nX Y: 1\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For : 6.6.6.6\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n folded: 2\r\n\r\n")]
    [InlineData(400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n")]
    [InlineData(400, "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData(400, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")]
    [InlineData(400, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")]
    [InlineData(400, "POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity, chunked, x\r\n\r\n0\r\n\r\n")]
    [InlineData(400, "POST /login HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n")]
    [InlineData(505, "GET / HTTP/3.7\r\nHost: localhost\r\n\r\n")]
    public async Task The_parser_answers_with_a_status_and_nothing_else(int status, string request)
    {
        int before = site.Services.Asked.Count;
        string answer = await RawClient.AskAsync(Port, request);
        ExpectBare(status, answer);
        Assert.Equal(before, site.Services.Asked.Count);
    }

    [Theory]
    [Trait("Control", "WEB-08")]
    [InlineData(414, "target")]
    [InlineData(431, "bytes")]
    [InlineData(431, "count")]
    public async Task Headers_and_targets_are_bounded(int status, string what)
    {
        string target = what == "target" ? "/" + new string('a', 9_000) : "/";
        string headers = what switch
        {
            "bytes" => "X-Large: " + new string('a', 17_000) + "\r\n",
            "count" => string.Concat(Enumerable.Range(0, 65).Select(number => string.Create(CultureInfo.InvariantCulture, $"X-{number}: 1\r\n"))),
            _ => "",
        };
        ExpectBare(status, await RawClient.AskAsync(Port, $"GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
    }

    [Theory]
    [Trait("Control", "WEB-06")]
    [InlineData("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 200)]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 60\r\n", 200)]
    [InlineData("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", 400)]
    public async Task Two_lengths_smuggle_nothing_past_the_door(string lengths, int status)
    {
        // One request, one answer, and the end: what follows is read by nobody.
        int before = site.Services.Asked.Count;
        string answer = await RawClient.AskAsync(
            Port,
            $"POST /payments/webhook/dummy HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n0\r\n\r\nGET /_ui/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\nGET /_ui/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Equal(2, answer.Split("HTTP/1.1 ").Length);
        Assert.DoesNotContain(site.Services.Asked, asked => asked.Contains("smuggled", StringComparison.Ordinal));
        Assert.Equal(status == 200 ? 1 : 0, site.Services.Asked.Count - before);
    }

    [Fact]
    [Trait("Control", "WEB-06")]
    public async Task What_a_client_lists_in_Connection_goes_no_further_and_takes_nothing_of_ours_away()
    {
        string answer = await RawClient.AskAsync(
            Port,
            "POST /api/v1/usage HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nX-Hop: 1\r\nX-End: 1\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Length: 2\r\n"
            + "Connection: X-Hop, X-Forwarded-For, X-Forwarded-Proto, Host, Content-Length\r\n\r\n{}GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        answer = answer[..answer.LastIndexOf("HTTP/1.1 ", StringComparison.Ordinal)];
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Hop", answer, StringComparison.Ordinal);
        Assert.Contains("\"X-End\":\"1\"", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\"bodyBytes\":2", answer, StringComparison.Ordinal);
        Assert.Contains("\"X-Forwarded-For\":\"127.0.0.1\"", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\"X-Forwarded-Proto\":\"https\"", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    [Trait("Control", "WEB-06")]
    public async Task An_absolute_target_of_our_own_is_served_and_gives_no_other_host()
    {
        string answer = await RawClient.AskAsync(Port, $"GET https://localhost:{Port}/formula HTTP/1.1\r\nHost: localhost:{Port}\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
        Assert.Contains($"\"X-Forwarded-Host\":\"localhost:{Port}\"", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\"target\":\"/formula\"", answer, StringComparison.Ordinal);
    }

    private static void ExpectBare(int status, string answer)
    {
        string[] lines = answer.Split("\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", lines[0], StringComparison.Ordinal);
        Assert.Equal(["Connection", "Content-Length", "Date"], lines[1..].TakeWhile(line => line.Length > 0).Select(line => line.Split(':')[0]).Order(StringComparer.Ordinal));
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }
}
