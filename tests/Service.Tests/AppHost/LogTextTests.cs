using HpcBilling.AppHost.Local.Operator;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class LogTextTests
{
    [Theory]
    [InlineData("""{"ts":"2026-01-02T03:04:05.6789012+00:00","level":"INFO","msg":"Ready","category":"x"}""", "03:04:05.678 INFO    Ready")]
    [InlineData("""{"ts":"2026-01-02T03:04:05.6789012+00:00","level":"ERROR","msg":"No","reason":"a\nb"}""", "03:04:05.678 ERROR   No\n    a\n    b")]
    [InlineData("""{"level":"INFO","msg":"without time"}""", """{"level":"INFO","msg":"without time"}""")]
    [InlineData("{ cut short", "{ cut short")]
    [InlineData("2026-01-02 LOG:  ready", "2026-01-02 LOG:  ready")]
    public void What_the_services_log_is_shown_for_people(string line, string shown) => Assert.Equal(shown, LogText.Readable(line));
}
