using System.Security.Cryptography.X509Certificates;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>How sources are reached, and what is refused on the way.</summary>
[Collection(nameof(Servers))]
public sealed class SourceTests(Servers servers)
{
    private static readonly long Now = PolledService.Now;
    private static readonly StubRecord Run = new(1, Now - 600, Now - 600, Now - 60);

    [Fact]
    [Trait("Control", "USE-01")]
    public async Task A_cluster_is_believed_by_the_configured_authority_alone_and_knows_its_client_by_a_certificate()
    {
        using var authority = new TestAuthority();
        using var stranger = new TestAuthority();
        using X509Certificate2 server = authority.Server();
        using X509Certificate2 certificate = authority.Client(out string certificateFile, out string keyFile);
        await using StubSlurmrestd stub = await StubSlurmrestd.WithTlsAsync(server, certificate);
        stub.Put(Run);
        (string, string)[] mutual = [PolledService.Url(stub), ("Sources__0__CertificateFile", certificateFile), ("Sources__0__KeyFile", keyFile)];

        await using RunningService believing = await PolledService.StartAsync(servers, [.. mutual, ("Sources__0__CaFile", authority.CaFile)]);
        await PolledService.UntilRunsAsync(believing, 1);
        int asked = stub.Questions.Count;
        await believing.KillAsync();
        await using RunningService other = await PolledService.StartAsync(servers, [.. mutual, ("Sources__0__CaFile", stranger.CaFile)]);
        await PolledService.UntilErrorAsync(other, "certificate");
        await using RunningService machine = await PolledService.StartAsync(servers, mutual);
        await PolledService.UntilErrorAsync(machine, "certificate");

        Assert.True(asked > 0);
        Assert.Equal(0, await other.ScalarAsync<long>("SELECT count(*) FROM runs") + await machine.ScalarAsync<long>("SELECT count(*) FROM runs"));
    }

    [Fact]
    [Trait("Control", "USE-01")]
    public async Task A_replaced_token_is_used_without_a_restart_and_a_refused_one_is_an_error_though_its_status_is_200()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        string file = PolledService.TokenFile("first-token");
        await using RunningService usage = await PolledService.StartAsync(servers, PolledService.Url(stub), ("Sources__0__TokenFile", file), ("Sources__0__User", "billing"));
        await Wait.UntilAsync("the first token is taken", async () => await usage.ScalarAsync<bool>("SELECT last_success_at IS NOT NULL FROM clusters"));

        stub.Token = "second-token";
        stub.Put(Run);
        await PolledService.UntilErrorAsync(usage, "1007");
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));
        await File.WriteAllTextAsync(file, "SLURM_JWT=second-token\n");

        await PolledService.UntilRunsAsync(usage, 1);
        Assert.DoesNotContain("second-token", usage.Log, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "USE-05")]
    public async Task A_redirect_is_not_followed()
    {
        await using StubSlurmrestd elsewhere = await StubSlurmrestd.StartAsync();
        elsewhere.Put(Run);
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        stub.Instead = context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = new Uri(elsewhere.Address!, context.Request.Path.Value + context.Request.QueryString).ToString();
            return Task.CompletedTask;
        };
        await using RunningService usage = await PolledService.StartAsync(servers, stub);

        await PolledService.UntilErrorAsync(usage, "redirect");

        Assert.Empty(elsewhere.Questions);
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM runs"));
    }

    [Fact]
    public async Task A_slurmrestd_behind_a_unix_socket_is_asked_the_same()
    {
        string socket = Path.Combine(Directory.CreateTempSubdirectory("hpcb-socket-").FullName, "rest");
        await using StubSlurmrestd stub = await StubSlurmrestd.OnSocketAsync(socket);
        stub.Put(Run);
        await using RunningService usage = await PolledService.StartAsync(servers, ("Sources__0__Socket", socket), ("Sources__0__TokenFile", PolledService.TokenFile(stub.Token)));

        await PolledService.UntilRunsAsync(usage, 1);
    }

    [Theory]
    [InlineData("Url", "http://slurm.example.org:6820", "Usage:Sources:0:Url must be https")]
    [InlineData("Url", "https://billing@slurm.example.org", "Usage:Sources:0:Url must be https://host:port")]
    [InlineData("TokenFile", "token", "Usage:Sources:0:TokenFile must be an absolute path")]
    [InlineData("Cluster", "a b", "Usage:Sources:0:Cluster must be the cluster's name")]
    [InlineData("Kind", "ssh", "Usage:Sources:0:Kind must be 'slurmrestd', 'sacct' or 'directory'")]
    [Trait("Control", "USE-05")]
    public async Task A_source_that_could_not_be_trusted_stops_the_start_with_its_key(string key, string value, string words)
    {
        (string, string)[] settings = [("Sources__0__Url", "https://slurm.example.org:6820"), ("Sources__0__TokenFile", "/etc/token"), ($"Sources__0__{key}", value)];

        var failure = await Assert.ThrowsAnyAsync<InvalidOperationException>(async () =>
        {
            await using RunningService usage = await PolledService.StartAsync(servers, settings);
        });

        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "USE-02")]
    public async Task Sacct_gets_a_list_of_arguments_made_here_and_an_environment_of_its_own()
    {
        using var sacct = new FakeSacct();
        sacct.Print($"1|1|hpc|cpu|normal|physics|alice|{Now - 600}|{Now - 600}|{Now - 60}|540|COMPLETED|cpu=2,mem=1024M");
        await using RunningService usage = await PolledService.StartAsync(servers, sacct.Settings);

        await PolledService.UntilRunsAsync(usage, 1);

        string[] arguments = sacct.Arguments();
        Assert.Equal(
            ["--allusers", "--allocations", "--duplicates", "--parsable2", "--noconvert", "--noheader", "--delimiter=\u001F", "--clusters=hpc"], arguments[..8]);
        Assert.Matches("^--starttime=uts[0-9]+$", arguments[8]);
        Assert.Matches("^--endtime=uts[0-9]+$", arguments[9]);
        Assert.Equal("--format=JobID,JobIDRaw,Cluster,Partition,QOS,Account,User,Submit,Start,End,ElapsedRaw,State,AllocTRES", arguments[10]);
        Assert.Equal(11, arguments.Length);
        Assert.Equal(["LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "SLURM_TIME_FORMAT=%s", "TZ=UTC"], sacct.Environment());
        Assert.Equal((2L, 1024L), (await usage.ScalarAsync<long>("SELECT cpus FROM runs"), await usage.ScalarAsync<long>("SELECT memory_mib FROM runs")));
    }

    [Theory]
    [InlineData("exit 1", "sacct ended with code 1")]
    [InlineData("echo 'sacct: error: Problem talking to the database' >&2", "Problem talking to the database")]
    [InlineData("sleep 60", "did not end in time")]
    [Trait("Control", "USE-02")]
    public async Task What_sacct_prints_counts_only_when_it_ended_well_and_in_time(string ending, string words)
    {
        using var sacct = new FakeSacct();
        sacct.Print($"1|1|hpc|cpu|normal|physics|alice|{Now - 600}|{Now - 600}|{Now - 60}|540|COMPLETED|cpu=2", ending);
        await using RunningService usage = await PolledService.StartAsync(servers, [.. sacct.Settings, ("Sources__0__TimeoutSeconds", "2")]);

        await PolledService.UntilErrorAsync(usage, words);
        Assert.True(await usage.ScalarAsync<bool>("SELECT last_success_at IS NULL FROM clusters"));
        // What it printed before was true; it is the span that does not count as read.
        sacct.Print($"1|1|hpc|cpu|normal|physics|alice|{Now - 600}|{Now - 600}|{Now - 60}|540|COMPLETED|cpu=2");

        await Wait.UntilAsync("it is read again", async () => await usage.ScalarAsync<bool>("SELECT last_success_at IS NOT NULL FROM clusters"));
        Assert.Equal([1L], await usage.QueryAsync<long>("SELECT raw_job_id FROM runs"));
    }

    [Fact]
    [Trait("Control", "USE-02")]
    public async Task Sacct_is_asked_for_steps_by_a_question_of_its_own()
    {
        using var sacct = new FakeSacct();
        string job = $"1|1|hpc|cpu|normal|physics|alice|{Now - 700}|{Now - 660}|{Now - 60}|600|COMPLETED|cpu=2,mem=1024M";
        sacct.Print(job, steps: $"{job}|02:30.500|||\n1.0|1.0|hpc||||physics||{Now - 660}|{Now - 60}|600|COMPLETED|cpu=2|02:30.500|268435456|2|");
        await using RunningService usage = await PolledService.StartAsync(servers, sacct.Settings);

        await Wait.UntilAsync("the run is measured", async () => await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE cpu_used_ms = 150500 AND memory_used_bytes = 536870912") == 1);

        Assert.Contains("--allocations", sacct.Arguments());
        string[] arguments = sacct.ArgumentsForSteps();
        Assert.DoesNotContain("--allocations", arguments);
        Assert.Equal("--format=JobID,JobIDRaw,Cluster,Partition,QOS,Account,User,Submit,Start,End,ElapsedRaw,State,AllocTRES,TotalCPU,MaxRSS,NTasks,TRESUsageInTot", arguments[^1]);
        Assert.Equal([(1, 600L)], await usage.QueryAsync<(int, long)>("SELECT revision, charged_seconds FROM runs"));
    }

    [Fact]
    [Trait("Control", "USE-02")]
    public async Task What_goes_wrong_with_saccts_steps_holds_up_no_charge()
    {
        using var sacct = new FakeSacct();
        sacct.Print($"1|1|hpc|cpu|normal|physics|alice|{Now - 700}|{Now - 660}|{Now - 60}|600|COMPLETED|cpu=2,mem=1024M", steps: "garbage", endingOfSteps: "exit 1");
        await using RunningService usage = await PolledService.StartAsync(servers, sacct.Settings);

        await PolledService.UntilRunsAsync(usage, 1);
        await Wait.UntilAsync("the failure is told", () => Task.FromResult(usage.Log.Contains("their charges are complete", StringComparison.Ordinal)));
        await Wait.UntilAsync("the window is read", async () => await usage.ScalarAsync<bool>("SELECT last_success_at IS NOT NULL FROM clusters"));

        Assert.Equal((0, 0L), (await usage.ScalarAsync<int>("SELECT failures FROM clusters"), await usage.ScalarAsync<long>("SELECT count(*) FROM source_states WHERE failures > 0")));
        Assert.Equal(0, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE num_nonnulls(cpu_used_ms, memory_used_bytes) > 0"));
    }

    /// <summary>A program that stands where sacct does and notes what it was called with.</summary>
    private sealed class FakeSacct : IDisposable
    {
        private const string HelpFormat = "Account AllocTRES Cluster ElapsedRaw End JobID JobIDRaw Partition QOS Start State Submit User";

        private readonly string folder = Directory.CreateTempSubdirectory("hpcb-sacct-").FullName;

        public (string Key, string Value)[] Settings => [("Sources__0__Kind", "sacct"), ("Sources__0__Command", Program)];

        private string Program => Path.Combine(folder, "sacct");

        /// <param name="line">With bars for the delimiter.</param>
        /// <param name="ending">What the program does at its end.</param>
        /// <param name="steps">What it prints when it is asked for steps; it knows no field of theirs without.</param>
        /// <param name="endingOfSteps">What it does then at its end.</param>
        public void Print(string line, string ending = "exit 0", string? steps = null, string endingOfSteps = "exit 0")
        {
            // Replaced as a whole: a shell that runs the old one is not disturbed.
            string script = Program + ".new";
            File.WriteAllText(script, $"""
                #!/bin/bash
                if [ "$1" = --helpformat ]; then echo '{HelpFormat}{(steps is null ? "" : " MaxRSS NTasks TotalCPU TRESUsageInTot")}'; exit; fi
                if [ "$2" != --allocations ]; then
                  printf '%s\0' "$@" > '{folder}/arguments-of-steps'
                  printf '%b\n' '{steps?.Replace('|', '\u001F')}'
                  {endingOfSteps}
                fi
                printf '%s\0' "$@" > '{folder}/arguments'
                cp /proc/$$/environ '{folder}/environment'
                printf '%s\n' '{line.Replace('|', '\u001F')}'
                {ending}

                """);
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Move(script, Program, overwrite: true);
        }

        public string[] Arguments() => Read("arguments");

        public string[] ArgumentsForSteps() => Read("arguments-of-steps");

        public string[] Environment() => [.. Read("environment").Order(StringComparer.Ordinal)];

        public void Dispose() => Directory.Delete(folder, recursive: true);

        private string[] Read(string name) => File.ReadAllText(Path.Combine(folder, name)).Split('\0', StringSplitOptions.RemoveEmptyEntries);
    }
}
