using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage;

/// <summary>The sample log, which a real cluster wrote: requeued, resized, preempted, suspended, array and heterogeneous jobs are in it.</summary>
public sealed class DemoLogTests
{
    private static readonly string Root = FindRoot();
    private static readonly byte[] Log = File.ReadAllBytes(Path.Combine(Root, "samples/sacct-demo.psv"));
    private static readonly byte[][] Lines = [.. Encoding.UTF8.GetString(Log).Split('\n').Skip(1).Where(line => line.Length > 0).Select(Encoding.UTF8.GetBytes)];

    [Fact]
    public void Every_line_of_the_sample_log_is_read_as_the_golden_file_says()
    {
        SacctLineParser parser = Parser();
        string[] read = [.. Lines.Select(line => Describe(parser.Parse(line, out JobRun run, out LineProblem? problem), run, problem))];

        Assert.Equal(File.ReadAllLines(Path.Combine(Root, "tests/Domain.Tests/Usage/sacct-demo.golden.txt")), read);
    }

    [Fact]
    public void No_mutation_of_a_line_throws_and_each_ends_as_run_step_or_malformed()
    {
        SacctLineParser parser = Parser();
        SacctLayout layout = Layout();
        var mutations =
            from line in Gen.Elements(Lines)
            from cuts in Gen.Choose(0, 4)
            from places in Gen.Choose(0, line.Length - 1).ArrayOf(cuts)
            from values in Gen.Frequency((3, Gen.Choose(0, 255)), (2, Gen.Elements("|=,-:.0T"u8.ToArray().Select(b => (int)b)))).ArrayOf(cuts)
            from length in Gen.Frequency((3, Gen.Constant(line.Length)), (1, Gen.Choose(0, line.Length)))
            select Mutate(line, places, values, length);

        Prop.ForAll(mutations.ToArbitrary(), line =>
        {
            LineKind kind = parser.Parse(line, out JobRun run, out LineProblem? problem);
            string text = QuarantineText.Of(line, layout, isWhole: true);
            return text.Length <= QuarantineText.CharsMax && kind switch
            {
                LineKind.Run => problem is null && IsPossible(run),
                LineKind.Step => problem is null,
                _ => problem is { Reason.Length: > 0 },
            };
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    private static bool IsPossible(JobRun run) =>
        run is { ChargedSeconds: >= 0, Tres: { Cpus: >= 0, MemoryMib: >= 0, Nodes: >= 0, Gpus: >= 0 }, Username.Length: > 0 }
        && !run.JobKey.Any(char.IsControl) && (run.StartedAt is not null || run.ChargedSeconds == 0) && (run.ChargedSeconds == 0 || run.Tres.Cpus > 0);

    private static byte[] Mutate(byte[] line, int[] places, int[] values, int length)
    {
        byte[] mutated = [.. line];
        for (int i = 0; i < places.Length; i++) mutated[places[i]] = (byte)values[i];
        return mutated[..length];
    }

    private static string Describe(LineKind kind, JobRun run, LineProblem? problem) => kind switch
    {
        LineKind.Run => string.Create(
            CultureInfo.InvariantCulture,
            $"{run.JobKey} {run.JobId} {run.Username}/{run.Account} {run.Partition}/{run.Qos} {run.State} ended={run.EndedAt?.ToUnixTimeSeconds()} charged={run.ChargedSeconds} "
            + $"cpu={run.Tres.Cpus} mib={run.Tres.MemoryMib} node={run.Tres.Nodes} gpu={run.Tres.Gpus} [{run.Tres.GpusByType}] billing={run.Tres.Billing} other=[{run.Tres.Other}]"),
        LineKind.Step => "step",
        _ => $"{problem!.Code} {problem.Field}: {problem.Reason}",
    };

    private static SacctLineParser Parser() => new(Layout());

    private static SacctLayout Layout() => Assert.IsType<SacctHeader.Understood>(SacctHeader.Read(new MemoryStream(Log), null, null)).Layout;

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "HpcBilling.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("HpcBilling.sln is in no folder above the tests.");
    }
}
