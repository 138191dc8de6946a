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

    [Fact]
    public void What_admins_may_reach_by_default_is_this_machine_and_folders_of_the_state()
    {
        var options = AppHostOptions.Parse(["--state", "/tmp/elsewhere"]);

        Assert.Equal(
            ["/etc/slurm/slurm.conf", "/tmp/elsewhere/slurm/incoming", "/tmp/elsewhere/slurm/secrets", "127.0.0.1:6820", "localhost:6820"],
            options.LocalReach().Select(setting => setting.Value!).Order(StringComparer.Ordinal));
        Assert.All(options.LocalReach(), setting => Assert.StartsWith("Usage:Reach:0:", setting.Key, StringComparison.Ordinal));
    }
}
