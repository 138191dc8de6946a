using HpcBilling.AppHost.Local.Engine;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class AppHostOptionsTests
{
    [Fact]
    public void The_last_word_on_the_command_line_counts()
    {
        var options = AppHostOptions.Parse(["--environment", "Development", "--state", "/tmp/elsewhere", "--port", "9443", "--reset", "--environment", "Production"]);

        Assert.Equal(("Production", "/tmp/elsewhere", true), (options.EnvironmentName, options.StatePath, options.Reset));
        Assert.Equal("9443", options.Configuration["HPCBILLING_HTTPS_PORT"]);
    }

    [Theory]
    [InlineData("--port")]
    [InlineData("--port", "http")]
    [InlineData("--port", "65536")]
    [InlineData("--operator-port", "-1")]
    [InlineData("--colour")]
    public void What_is_not_understood_is_refused(params string[] args) => Assert.Throws<FormatException>(() => AppHostOptions.Parse(args));
}
