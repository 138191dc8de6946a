using System.Security.Cryptography;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;
using static HpcBilling.Service.Tests.Cli.StubImports;

namespace HpcBilling.Service.Tests.Cli;

public sealed class HpcbImportTests
{
    private const int SeveralPieces = 20 * 1024 * 1024;

    [Fact]
    public async Task An_import_prints_one_JSON_object_with_hours_of_four_decimals()
    {
        var imports = new StubImports();
        await using StubGateway gateway = await StubGateway.StartAsync(imports.Map);
        using var hpcb = Hpcb.SignedInTo(gateway);
        string file = hpcb.WriteFile("log.psv", "a|b\n");

        Hpcb.Outcome outcome = await hpcb.RunAsync("import", file, "--fields", "xdmod", "--cluster", "phillips", "--wait", "--json");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonNode job = JsonNode.Parse(outcome.Output)!;
        Assert.Equal((4285, 4285, 4285), ((int)job["runs"]!, (int)job["stored"]!, (int)job["rated"]!));
        Assert.Contains("\"cpuCoreHours\":11767.9883", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\"gpuHours\":506.9000", outcome.Output, StringComparison.Ordinal);
        Assert.Equal("a|b\n"u8.ToArray(), imports.Received);
        Assert.Equal(
            """{"fileName":"log.psv","sizeBytes":4,"format":"sacct","fields":"xdmod","cluster":"phillips"}""", imports.Announced!.ToJsonString());
    }

    [Fact]
    public async Task An_interrupted_upload_goes_on_where_the_service_says()
    {
        var imports = new StubImports { LosesFirstCreation = true };
        imports.PlanPuts(Fault.None, Fault.CutAfterHalf, Fault.Outage, Fault.Outage, Fault.AnswerLost, Fault.Outage);
        await using StubGateway gateway = await StubGateway.StartAsync(imports.Map);
        using var hpcb = Hpcb.SignedInTo(gateway);
        byte[] bytes = RandomNumberGenerator.GetBytes(SeveralPieces);
        string file = hpcb.WriteFile("large.psv", bytes);

        Hpcb.Outcome outcome = await hpcb.RunAsync("import", file, "--wait", "--json");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Equal(1, imports.JobsCreated);
        Assert.True(bytes.AsSpan().SequenceEqual(imports.Received), "the service holds other bytes than the file");
    }

    [Fact]
    public async Task An_import_waits_for_a_gateway_that_is_away()
    {
        var imports = new StubImports();
        await using StubGateway gateway = StubGateway.Make(imports.Map);
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Running running = hpcb.Start("", "import", hpcb.WriteFile("log.psv", "a|b\n"), "--wait");
        await Wait.UntilAsync("hpcb says that it waits", () => Task.FromResult(running.Error.Contains("waiting for", StringComparison.Ordinal)));
        await gateway.ListenAsync();

        Assert.Equal(0, (await running.Outcome).ExitCode);
    }

    [Fact]
    public async Task What_cannot_be_imported_is_refused_before_anything_is_sent()
    {
        await using StubGateway gateway = await StubGateway.StartAsync(_ => { });
        using var hpcb = Hpcb.SignedInTo(gateway);

        await RefusesAsync("/no/such/file.psv", "there is no such file");
        await RefusesAsync(Path.GetTempPath(), "it is a directory");
        await RefusesAsync(hpcb.WriteFile("empty.psv", ""), "it is empty");
        Assert.Empty(gateway.Requests);

        async Task RefusesAsync(string file, string why)
        {
            Hpcb.Outcome outcome = await hpcb.RunAsync("import", file, "--wait", "--json");
            Assert.Equal((1, "", $"hpcb: cannot import {file}: {why}"), (outcome.ExitCode, outcome.Output, outcome.Error));
        }
    }

    [Fact]
    public async Task Wrong_usage_ends_with_2()
    {
        using var hpcb = new Hpcb();
        Assert.Equal(2, (await hpcb.RunAsync("import")).ExitCode);
        Assert.Equal(2, (await hpcb.RunAsync("import", "x", "--timeout-seconds", "0")).ExitCode);
        Assert.Equal(2, (await hpcb.RunAsync("imports")).ExitCode);
        Assert.Equal(2, (await hpcb.RunAsync("whoami")).ExitCode);
        Assert.Equal(0, (await hpcb.RunAsync("import", "--help")).ExitCode);
    }

    [Fact]
    public async Task A_failed_import_ends_with_1_and_says_why()
    {
        Hpcb.Outcome outcome = await ImportAsync(new StubImports { EndStatus = "failed", Error = "the header names no JobID", Runs = 0, Stored = 0 });
        Assert.Equal((1, "hpcb: the import failed: the header names no JobID"), (outcome.ExitCode, outcome.Error));
        Assert.Equal("failed", (string?)JsonNode.Parse(outcome.Output)!["status"]);
    }

    [Fact]
    public async Task An_import_without_a_single_run_ends_with_1()
    {
        Hpcb.Outcome outcome = await ImportAsync(new StubImports { Runs = 0, Stored = 0, Quarantined = 12 });
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("nothing was imported", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_import_that_stores_nothing_new_is_well() =>
        Assert.Equal(0, (await ImportAsync(new StubImports { Stored = 0 })).ExitCode);

    [Fact]
    public async Task Quarantined_lines_are_told_and_cannot_command_the_terminal()
    {
        var imports = new StubImports { Quarantined = 2 };
        Hpcb.Outcome outcome = await ImportAsync(imports);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains($"hpcb quarantine {imports.Id}", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("line 3: JobID is missing", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("line 9: End is no time", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Error);
    }

    [Fact]
    public async Task Without_a_terminal_there_is_a_table_and_no_progress_bar()
    {
        var imports = new StubImports();
        await using StubGateway gateway = await StubGateway.StartAsync(imports.Map);
        using var hpcb = Hpcb.SignedInTo(gateway);
        Hpcb.Outcome outcome = await hpcb.RunAsync("import", hpcb.WriteFile("log.psv", "a|b\n"), "--wait");

        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("11,767.9883", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('%', outcome.Output);
        Assert.DoesNotContain('\u001b', outcome.Output);
    }

    private static async Task<Hpcb.Outcome> ImportAsync(StubImports imports)
    {
        await using StubGateway gateway = await StubGateway.StartAsync(imports.Map);
        using var hpcb = Hpcb.SignedInTo(gateway);
        return await hpcb.RunAsync("import", hpcb.WriteFile("log.psv", "a|b\n"), "--wait", "--json");
    }
}
