using System.Net;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class ContentSecurityReportTests(Site site) : IClassFixture<Site>
{
    private const string Old = "application/csp-report";
    private const string New = "application/reports+json";

    [Theory]
    [Trait("Control", "WEB-03")]
    [InlineData(Old, """
        {"csp-report":{"document-uri":"https://localhost/me?secret=TOKEN","blocked-uri":"https://evil.example/x.js?secret=TOKEN#secret","violated-directive":"script-src 'self'",
        "disposition":"enforce","source-file":"https://localhost/me#secret","line-number":MARK}}
        """)]
    [InlineData(New, """
        [{"type":"csp-violation","age":1,"url":"https://localhost/me","body":{"documentURL":"https://localhost/me?secret=TOKEN","blockedURL":"https://evil.example/x.js?secret",
        "effectiveDirective":"script-src","disposition":"enforce","sourceFile":"https://localhost/me?secret","lineNumber":MARK}},{"type":"deprecation","body":{"secret":1}}]
        """)]
    public async Task A_report_is_one_bounded_line_without_query_strings(string type, string report)
    {
        string mark = type == Old ? "1111" : "2222";
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(type, report.Replace("MARK", mark, StringComparison.Ordinal)));
        string line = await Wait.ForAsync("the violation in the log", () => Task.FromResult(LogLines().SingleOrDefault(line => line.Contains($":{mark}", StringComparison.Ordinal))));
        Assert.Contains("script-src enforce blocked https://evil.example/x.js on https://localhost/me at https://localhost/me", line, StringComparison.Ordinal);
        Assert.DoesNotContain(LogLines(), logged => logged.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Control", "WEB-03")]
    public async Task A_report_cannot_grow_the_log()
    {
        int before = LogLines().Count;
        string violation = $$$"""{"type":"csp-violation","body":{"blockedURL":"https://flood.example/{{{new string('a', 400)}}}","effectiveDirective":"made-up\r\nline","lineNumber":1e99} }""";
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(New, $"[{string.Join(',', Enumerable.Repeat(violation, 30))}]"));
        List<string> lines = await Wait.ForAsync("the violations in the log", () => Task.FromResult(LogLines().Count >= before + 20 ? LogLines() : null));
        Assert.Equal(20, lines.Count(line => line.Contains("flood.example", StringComparison.Ordinal)));
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 1_500));
        Assert.Contains(lines, line => line.Contains("violated: other enforce", StringComparison.Ordinal));
    }

    [Theory]
    [Trait("Control", "WEB-03")]
    [InlineData(Old, "", 400)]
    [InlineData(Old, "{", 400)]
    [InlineData(Old, "\0\0\0", 400)]
    [InlineData(Old, "{\"csp-report\":{\"blocked-uri\":\"\\ud800\"}}", 400)]
    [InlineData(Old, "[]", 204)]
    [InlineData(Old, "null", 204)]
    [InlineData(Old, "{\"csp-report\":7}", 204)]
    [InlineData(Old, "{\"csp-report\":{\"blocked-uri\":{},\"line-number\":\"x\"}}", 204)]
    [InlineData(New, "7", 204)]
    [InlineData(New, "[null,1,[],{\"type\":1},{\"type\":\"csp-violation\"},{\"type\":\"csp-violation\",\"body\":[]}]", 204)]
    [InlineData("text/plain", "{}", 415)]
    [InlineData("application/json", "{}", 415)]
    public async Task Nothing_that_is_sent_there_is_a_fault_of_ours(string type, string body, int status) => Assert.Equal(status, (int)await SendAsync(type, body));

    [Fact]
    [Trait("Control", "WEB-03")]
    public async Task Deep_and_large_bodies_are_refused()
    {
        Assert.Equal(HttpStatusCode.BadRequest, await SendAsync(Old, new string('[', 10_000)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await SendAsync(Old, "\"" + new string('a', 16 * 1024) + "\""));
    }

    private async Task<HttpStatusCode> SendAsync(string type, string body)
    {
        using HttpClient client = site.Program();
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = new(type);
        using HttpResponseMessage answer = await client.PostAsync("/csp-report", content);
        return answer.StatusCode;
    }

    private List<string> LogLines() => [.. site.Gateway.Log.Split('\n').Where(line => line.Contains("Content security policy violated", StringComparison.Ordinal))];
}
