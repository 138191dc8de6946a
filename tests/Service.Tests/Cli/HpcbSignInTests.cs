using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Cli;

public sealed class HpcbSignInTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    [Trait("Control", "SEC-02")]
    public async Task Login_keeps_a_checked_token_for_its_owner_alone_and_never_shows_it()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(MapUser);
        using var hpcb = new Hpcb();

        Hpcb.Outcome login = await hpcb.RunWithInputAsync(StubGateway.Token + "\n", "login", "--url", gateway.Url, "--ca-file", gateway.CaFile);

        Assert.True(login.ExitCode == 0, login.Error);
        Assert.DoesNotContain(StubGateway.Token, login.Output + login.Error, StringComparison.Ordinal);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(hpcb.Profile));
        Hpcb.Outcome whoami = await hpcb.RunAsync("whoami");
        Assert.Equal(0, whoami.ExitCode);
        Assert.Contains("alice", whoami.Output, StringComparison.Ordinal);

        Assert.Equal(0, (await hpcb.RunAsync("logout")).ExitCode);
        Assert.False(File.Exists(hpcb.Profile));
    }

    [Fact]
    public async Task Login_keeps_no_token_that_the_gateway_refuses()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(MapUser);
        using var hpcb = new Hpcb { Environment = { ["SSL_CERT_FILE"] = gateway.CaFile } };

        Hpcb.Outcome login = await hpcb.RunWithInputAsync("a-stale-token\n", "login", "--url", gateway.Url);

        Assert.Equal(3, login.ExitCode);
        Assert.False(File.Exists(hpcb.Profile));
    }

    [Fact]
    [Trait("Control", "SEC-02")]
    public async Task A_profile_that_others_can_read_is_refused()
    {
        using var hpcb = new Hpcb();
        Directory.CreateDirectory(Path.GetDirectoryName(hpcb.Profile)!);
        await File.WriteAllTextAsync(hpcb.Profile, """{"url":"https://localhost:1","token":"t"}""");
        File.SetUnixFileMode(hpcb.Profile, OwnerOnly | UnixFileMode.GroupRead);

        Hpcb.Outcome outcome = await hpcb.RunAsync("whoami");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal($"hpcb: {hpcb.Profile} holds a token and is open to other users: run `chmod 600 {hpcb.Profile}`", outcome.Error);
    }

    [Fact]
    public async Task A_token_goes_to_its_own_gateway_only()
    {
        await using StubGateway other = await StubGateway.StartAsync(MapUser);
        using var hpcb = new Hpcb { Environment = { ["HPCB_URL"] = other.Url, ["SSL_CERT_FILE"] = other.CaFile } };
        Directory.CreateDirectory(Path.GetDirectoryName(hpcb.Profile)!);
        await File.WriteAllTextAsync(hpcb.Profile, $$"""{"url":"https://localhost:1","token":"{{StubGateway.Token}}"}""");
        File.SetUnixFileMode(hpcb.Profile, OwnerOnly);

        Assert.Equal(3, (await hpcb.RunAsync("whoami")).ExitCode);
        Assert.All(other.Requests, request => Assert.Equal("", request.Authorization));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using StubGateway elsewhere = await StubGateway.StartAsync(MapUser);
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapGet("/connect/userinfo", () => Results.Redirect(elsewhere.Url + "/connect/userinfo")));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Assert.NotEqual(0, (await hpcb.RunAsync("whoami")).ExitCode);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task Only_a_certificate_of_a_trusted_authority_for_the_right_name_is_believed()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(MapUser);
        await using StubGateway stranger = await StubGateway.StartAsync(MapUser);
        using var hpcb = Hpcb.SignedInTo(gateway);
        Assert.Equal(0, (await hpcb.RunAsync("whoami")).ExitCode);

        hpcb.Environment["SSL_CERT_FILE"] = stranger.CaFile;
        Assert.Equal(3, (await hpcb.RunAsync("whoami")).ExitCode);

        hpcb.Environment["SSL_CERT_FILE"] = gateway.CaFile;
        hpcb.Environment["HPCB_URL"] = $"https://127.0.0.1:{gateway.Port}";
        Assert.Equal(3, (await hpcb.RunAsync("whoami")).ExitCode);
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task A_token_is_never_sent_unencrypted()
    {
        using var hpcb = new Hpcb { Environment = { ["HPCB_URL"] = "http://billing.example.org", ["HPCB_TOKEN"] = StubGateway.Token } };
        Hpcb.Outcome outcome = await hpcb.RunAsync("whoami");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("unencrypted", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_there_is_3()
    {
        using var hpcb = new Hpcb { Environment = { ["HPCB_URL"] = "https://localhost:1", ["HPCB_TOKEN"] = StubGateway.Token } };
        Hpcb.Outcome outcome = await hpcb.RunAsync("whoami");
        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("cannot be reached", outcome.Error, StringComparison.Ordinal);
    }

    private static void MapUser(WebApplication app) =>
        app.MapGet("/connect/userinfo", () => new { sub = "1", preferred_username = "alice", role = "admin" });
}
