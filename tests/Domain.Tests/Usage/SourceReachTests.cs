using System.Text.Json;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Sources;

namespace HpcBilling.Domain.Tests.Usage;

/// <summary>What an org's admins may point a source at: nothing that the operator did not name.</summary>
public sealed class SourceReachTests
{
    private const string Url = "https://slurm.example.org:6820";

    private static readonly SourceReach Reach = SourceReach.Of(
    [
        new ReachOptions { Hosts = ["Slurm.Example.org:6820"], SecretsPath = "/etc/hpcbilling/slurm", SlurmConfs = ["/etc/slurm/slurm.conf"] },
        new ReachOptions { Hosts = ["127.0.0.1:6820", "[::1]:6820", "slurm.example.org:443"], Sockets = ["/run/rest.sock"], Folders = ["/srv/sacct"], Command = "/opt/slurm/bin/sacct" },
    ]);

    [Theory]
    [InlineData("https://slurm.example.org:6820")]
    [InlineData("https://SLURM.example.org:6820/")]
    [InlineData("https://slurm.example.org")]
    [InlineData("http://127.0.0.1:6820")]
    [InlineData("http://[::1]:6820")]
    [Trait("Control", "USE-05")]
    public void A_host_that_the_operator_named_may_be_asked_however_it_is_written(string url) => Assert.Null(Check(Rest with { Url = url }));

    [Theory]
    [InlineData("https://slurm.example.org:6821")]
    [InlineData("https://slurm.example.org.:6820")]
    [InlineData("https://evil.example.org:6820")]
    [InlineData("http://127.0.0.1:6821")]
    [InlineData("https://127.1:6821")]
    [InlineData("https://slurm.example.org:6820@evil.example.org")]
    [InlineData("https://slurm.example.org:6820/slurmdb")]
    [InlineData("https://slurm.example.org:6820\\@evil.example.org")]
    [InlineData("https://slurm.example.org:6820#x")]
    [InlineData("https://slurm.example.org:6820/?x=1")]
    [InlineData("http://slurm.example.org:6820")]
    [InlineData("http://169.254.169.254")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://slurm.example.org:6820")]
    [InlineData("slurm.example.org:6820")]
    [InlineData("/run/rest.sock")]
    [Trait("Control", "USE-05")]
    public void Any_other_address_is_refused(string url) => Assert.Equal("settings.url", Check(Rest with { Url = url })?.Field);

    [Theory]
    [InlineData("../token")]
    [InlineData("/etc/shadow")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("token\n")]
    [InlineData("tökén")]
    [Trait("Control", "USE-01")]
    public void A_secret_is_named_by_its_file_alone(string name)
    {
        Assert.Equal("settings.tokenFile", Check(Rest with { TokenFile = name })?.Field);
        Assert.Equal("settings.caFile", Check(Rest with { CaFile = name })?.Field);
        Assert.Equal("settings.keyFile", Check(Rest with { CertificateFile = "client.pem", KeyFile = name })?.Field);
    }

    [Fact]
    [Trait("Control", "USE-01")]
    public void A_secret_is_looked_for_in_the_operators_folder()
    {
        Assert.Null(Check(Rest with { CaFile = "ca.pem" }, out SourceOptions options));
        Assert.Equal(("/etc/hpcbilling/slurm/token.jwt", "/etc/hpcbilling/slurm/ca.pem"), (options.TokenFile, options.CaFile));
    }

    [Theory]
    [InlineData("/etc/slurm/other.conf")]
    [InlineData("/etc/slurm/../slurm/slurm.conf")]
    [InlineData(null)]
    [Trait("Control", "USE-02")]
    public void Sacct_runs_with_a_named_slurm_conf_and_the_operators_program(string? conf)
    {
        Assert.Equal("settings.slurmConf", Check(new SourceSettings { SlurmConf = conf }, out _, SourceOptions.Sacct)?.Field);
        Assert.Null(Check(new SourceSettings { SlurmConf = "/etc/slurm/slurm.conf" }, out SourceOptions options, SourceOptions.Sacct));
        Assert.Equal("/opt/slurm/bin/sacct", options.Command);
    }

    [Fact]
    [Trait("Control", "USE-02")]
    public void Nobody_says_which_program_is_run()
    {
        var said = JsonSerializer.Deserialize<SourceSettings>("""{"slurmConf":"/etc/slurm/slurm.conf","command":"/bin/sh"}""", JsonSerializerOptions.Web)!;
        Assert.Equal("settings.command", Check(said, out _, SourceOptions.Sacct)?.Field);
    }

    [Theory]
    [InlineData("/srv/sacct", true)]
    [InlineData("/srv/sacct/2026", true)]
    [InlineData("/srv/sacct-of-others", false)]
    [InlineData("/srv", false)]
    [InlineData("/srv/sacct/../secret", false)]
    [InlineData("/srv/sacct/link", false)]
    [InlineData("srv/sacct", false)]
    [Trait("Control", "USE-03")]
    public void A_folder_lies_in_the_end_below_a_named_one(string path, bool isAllowed)
    {
        SourceProblem? problem = Check(new SourceSettings { Path = path }, out _, SourceOptions.Directory);
        Assert.Equal(isAllowed ? null : "settings.path", problem?.Field);
    }

    [Fact]
    public void A_named_folder_may_itself_be_a_link() =>
        Assert.Equal("/data/sacct/2026", Reach.Folder("/srv/sacct/2026", path => path.Replace("/srv/sacct", "/data/sacct", StringComparison.Ordinal)));

    [Fact]
    public void A_socket_is_a_named_one()
    {
        Assert.Null(Check(new SourceSettings { Socket = "/run/rest.sock" }));
        Assert.Equal("settings.socket", Check(new SourceSettings { Socket = "/run/docker.sock" })?.Field);
    }

    [Theory]
    [InlineData("slurmrestd")]
    [InlineData("sacct")]
    [InlineData("directory")]
    [Trait("Control", "USE-05")]
    public void An_org_that_the_operator_does_not_name_may_use_nothing(string kind)
    {
        foreach (SourceSettings said in new[] { Rest, new SourceSettings { Url = "https://127.0.0.1:6820" }, new SourceSettings { Socket = "/run/rest.sock" }, new SourceSettings { SlurmConf = "/etc/slurm/slurm.conf" }, new SourceSettings { Path = "/srv/sacct" } })
            Assert.NotNull(SourceReach.None.Check(new WantedSource(Guid.Empty, "hpc", "x", kind, 1, said), Resolve, out _));
    }

    [Fact]
    public void What_is_out_of_bounds_is_refused_by_its_field()
    {
        Assert.Equal("settings.user", Check(Rest with { User = "a b" })?.Field);
        Assert.Equal("settings.timeoutSeconds", Check(Rest with { TimeoutSeconds = 0 })?.Field);
        Assert.Equal("settings.answerRecordsMax", Check(Rest with { AnswerRecordsMax = 100_000_000 })?.Field);
        Assert.Equal("settings.path", Check(Rest with { Path = "/srv/sacct" })?.Field);
        Assert.Equal("settings.tokenFile", Check(Rest with { TokenFile = null })?.Field);
        Assert.Equal("kind", Check(Rest, out _, "ssh")?.Field);
        Assert.Equal("name", Reach.Check(new WantedSource(Guid.Empty, "hpc", new string('x', 61), "slurmrestd", 1, Rest), Resolve, out _)?.Field);
        Assert.Equal("preference", Reach.Check(new WantedSource(Guid.Empty, "hpc", "x", "slurmrestd", 100, Rest), Resolve, out _)?.Field);
        Assert.Equal("url is not among the hosts that the operator allows", Check(Rest with { Url = "https://evil.example.org" })?.ToString());
    }

    [Theory]
    [InlineData("slurm.example.org")]
    [InlineData("https://slurm.example.org:6820")]
    [InlineData("slurm.example.org:6820/x")]
    [InlineData("me@slurm.example.org:6820")]
    [InlineData("slurm.example.org:99999")]
    [InlineData("*:6820")]
    public void A_host_of_the_configuration_has_a_port_and_nothing_else(string host) => Assert.NotEmpty(new ReachOptions { Hosts = [host] }.Problems());

    [Theory]
    [InlineData("secrets")]
    [InlineData("/etc/../etc")]
    public void A_path_of_the_configuration_is_absolute_and_plain(string path)
    {
        Assert.Equal("SecretsPath", new ReachOptions { SecretsPath = path }.Problems().Single().Key);
        Assert.Equal("Folders:0", new ReachOptions { Folders = [path] }.Problems().Single().Key);
    }

    private static SourceSettings Rest => new() { Url = Url, TokenFile = "token.jwt" };

    private static SourceProblem? Check(SourceSettings said) => Check(said, out _);

    private static SourceProblem? Check(SourceSettings said, out SourceOptions options, string kind = SourceOptions.Slurmrestd) =>
        Reach.Check(new WantedSource(Guid.Empty, "hpc", "x", kind, 1, said), Resolve, out options);

    private static string Resolve(string path) => path == "/srv/sacct/link" ? "/etc" : path;
}
