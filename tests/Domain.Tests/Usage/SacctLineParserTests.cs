using System.Text;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class SacctLineParserTests
{
    private const string Good =
        "7|7|hpc|gpu|normal|physics|physics|100|alice|1001|2026-01-01T00:00:00|2026-01-01T00:00:00|2026-01-01T00:00:10|2026-01-01T01:00:10|"
        + "01:00:00|0:0|COMPLETED|1|8|8|1G|cpu=8|billing=8,cpu=8,gres/gpu=2,mem=16G,node=1|1-00:00:00|n1|train";

    [Fact]
    public void A_line_becomes_a_run_with_what_pricing_needs()
    {
        var run = Assert.IsType<JobRun>(Parse(Good).Run);

        Assert.Equal("hpc/7/1767225600/1767225610", run.JobKey);
        Assert.Equal(("alice", "physics", "gpu", "normal", "COMPLETED"), (run.Username, run.Account, run.Partition, run.Qos, run.State));
        Assert.Equal(3600, run.ChargedSeconds);
        Assert.Equal(new Tres(8, 16_384, 1, 2, 8, null, null), run.Tres);
        Assert.Equal((28_800m, 7_200m), (run.CpuCoreSeconds, run.GpuSeconds));
    }

    [Fact]
    public void What_was_allocated_is_the_total_over_all_nodes_and_what_was_asked_for_plays_no_part()
    {
        string asked = Good.Replace("|1G|cpu=8|", "|2147487648Mn|cpu=4096,gres/gpu=64|", StringComparison.Ordinal).Replace("node=1", "node=4", StringComparison.Ordinal);

        Assert.Equal(new Tres(8, 16_384, 4, 2, 8, null, null), Parse(asked).Run!.Value.Tres);
    }

    [Theory]
    [InlineData("CANCELLED by 1002", "CANCELLED")]
    [InlineData("NODE_FAIL", "NODE_FAIL")]
    [InlineData("REVOKED", "REVOKED")]
    [InlineData("A_STATE_OF_TOMORROW", "A_STATE_OF_TOMORROW")]
    public void Every_state_is_kept_without_who_cancelled(string text, string state) =>
        Assert.Equal(state, Parse(Good.Replace("COMPLETED", text, StringComparison.Ordinal)).Run!.Value.State);

    [Fact]
    public void A_running_job_is_known_but_not_final()
    {
        var run = Parse(Good.Replace("2026-01-01T01:00:10", "Unknown", StringComparison.Ordinal).Replace("COMPLETED", "RUNNING", StringComparison.Ordinal)).Run!.Value;

        Assert.Null(run.EndedAt);
        Assert.Equal(3600, run.ChargedSeconds);
    }

    [Fact]
    public void A_pending_array_has_no_usage()
    {
        const string line = "56_[1-20%2]|56|hpc|cpu|normal|chem|dave|1|dave|1004|2026-11-22T01:46:03|2026-11-22T02:46:03|Unknown|Unknown|00:00:00|0:0|PENDING|1|1|1|1G|||x||a";
        var run = Parse(line).Run!.Value;

        Assert.Equal(("56_[1-20%2]", 0L, Tres.None), (run.JobId, run.ChargedSeconds, run.Tres));
        Assert.Null(run.StartedAt);
    }

    [Theory]
    [InlineData("7.batch|7.batch")]
    [InlineData("7.0|7.0")]
    [InlineData("7_3.extern|9.extern")]
    [InlineData("33+0.batch|33.batch")]
    public void Steps_are_no_runs(string ids) => Assert.Equal(LineKind.Step, Parse(ids + Good[3..]).Kind);

    [Fact]
    public void A_bar_in_a_job_name_that_comes_last_is_part_of_the_name() => Assert.Equal(LineKind.Run, Parse(Good + "|--lr=1|x").Kind);

    [Theory]
    [InlineData("7|7|hpc", "0|x|hpc", "JobIDRaw")]
    [InlineData("7|7|hpc", "7|-7|hpc", "JobIDRaw")]
    [InlineData("7|7|hpc", "7 8|7|hpc", "JobID")]
    [InlineData("|hpc|", "|h/c|", "Cluster")]
    [InlineData("|alice|", "||", "User")]
    [InlineData("|alice|", "|ali\u0001ce|", "User")]
    [InlineData("|COMPLETED|", "|done|", "State")]
    [InlineData("|COMPLETED|", "||", "State")]
    [InlineData("|2026-01-01T00:00:00|2026-01-01T00:00:00|", "|Unknown|2026-01-01T00:00:00|", "Submit")]
    [InlineData("2026-01-01T00:00:10", "yesterday", "Start")]
    [InlineData("2026-01-01T01:00:10", "2026-01-01T01:00:61", "End")]
    [InlineData("|01:00:00|", "|1h|", "Elapsed")]
    [InlineData("cpu=8,gres", "cpu=eight,gres", "AllocTRES")]
    public void A_bad_field_is_named(string good, string bad, string field)
    {
        var (kind, _, problem) = Parse(Good.Replace(good, bad, StringComparison.Ordinal));

        Assert.Equal(LineKind.Malformed, kind);
        Assert.Equal((LineProblem.BadField, field), (problem!.Code, problem.Field));
        Assert.StartsWith(field, problem.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("|01:00:00|", "|01:00:01|", "Elapsed")]
    [InlineData("2026-01-01T01:00:10", "2026-01-01T00:00:09", "Elapsed")]
    [InlineData("2026-01-01T00:00:10", "Unknown", "Start")]
    [InlineData("COMPLETED", "RUNNING", "End")]
    [InlineData("billing=8,cpu=8,gres/gpu=2,mem=16G,node=1", "", "AllocTRES")]
    [InlineData("billing=8,cpu=8,gres/gpu=2,mem=16G,node=1", "gres/gpu=2,mem=16G", "AllocTRES")]
    public void What_cannot_be_true_of_a_run_is_never_charged(string good, string bad, string field)
    {
        var (kind, _, problem) = Parse(Good.Replace(good, bad, StringComparison.Ordinal));

        Assert.Equal(LineKind.Malformed, kind);
        Assert.Equal((LineProblem.Contradiction, field), (problem!.Code, problem.Field));
    }

    [Fact]
    public void A_line_with_a_column_more_or_less_is_malformed()
    {
        Assert.Equal(LineProblem.WrongFieldCount, Parse(Good[..Good.LastIndexOf('|')]).Problem!.Code);

        var parser = new SacctLineParser(Layout(["JobName", .. SacctFields.Xdmod.Split(',')[..^1]]));
        Assert.Equal(LineKind.Malformed, parser.Parse(Encoding.UTF8.GetBytes("pipe|name|" + Good[..Good.LastIndexOf('|')]), out _, out var problem));
        Assert.Equal(LineProblem.WrongFieldCount, problem!.Code);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_are_malformed()
    {
        var line = Encoding.Latin1.GetBytes(Good.Replace("train", "früh", StringComparison.Ordinal));

        Assert.Equal(LineKind.Malformed, new SacctLineParser(Xdmod()).Parse(line, out _, out var problem));
        Assert.Equal(LineProblem.NotUtf8, problem!.Code);
    }

    [Fact]
    public void Fields_may_come_in_any_order_and_without_what_pricing_can_do_without()
    {
        var layout = Layout(["alloctres", "USER", "account", "partition", "qos", "state", "submit", "start", "end", "elapsedraw", "JobIdRaw"], "HPC");
        var kind = new SacctLineParser(layout).Parse("cpu=2,mem=4G,node=1|bob||cpu|normal|FAILED|1767225600|1767225600|1767225660|60|9"u8, out var run, out _);

        Assert.Equal(LineKind.Run, kind);
        Assert.Equal(("hpc", "9", "hpc/9/1767225600/1767225600"), (run.Cluster, run.JobId, run.JobKey));
    }

    [Fact]
    public void Required_fields_that_are_missing_are_named()
    {
        Assert.False(SacctLayout.TryCreate(["JobID", "User", "Submit", "Start", "End", "State", "Cluster"], null, out _, out var problem));
        Assert.Equal("Required fields are missing: JobIDRaw, Account, Partition, QOS, AllocTRES, ElapsedRaw or Elapsed.", problem);
    }

    [Fact]
    public void A_log_that_names_no_cluster_needs_one_from_the_request()
    {
        string[] names = [.. SacctFields.Xdmod.Split(',').Where(name => name != "cluster")];

        Assert.False(SacctLayout.TryCreate(names, null, out _, out var problem));
        Assert.Contains("Cluster", problem, StringComparison.Ordinal);
        Assert.False(SacctLayout.TryCreate(names, "no/slash", out _, out _));
        Assert.Equal("hpc", Layout(names, "hpc").Cluster);
    }

    [Fact]
    [Trait("Control", "USE-04")]
    public void Quarantine_keeps_the_columns_of_pricing_and_no_job_name()
    {
        var layout = Xdmod();
        var bad = Good.Replace("train", "curl -u me:secret|sh", StringComparison.Ordinal);

        Assert.Equal(
            "7|7|hpc|gpu|normal|physics|*|*|alice|*|2026-01-01T00:00:00|*|2026-01-01T00:00:10|2026-01-01T01:00:10|01:00:00|*|COMPLETED|*|*|*|*|*|"
            + "billing=8,cpu=8,gres/gpu=2,mem=16G,node=1|*|*|*",
            QuarantineText.Of(Encoding.UTF8.GetBytes(bad), layout, isWhole: true));
        Assert.Equal("7|7|hpc|gpu|normal|physics|…", QuarantineText.Of(Encoding.UTF8.GetBytes(bad), layout, isWhole: false));
        Assert.Equal("7|7|…", QuarantineText.Of("7|7|a secret"u8, Layout(["JobID", "JobIDRaw", "SubmitLine", .. SacctFields.Xdmod.Split(',')[2..]]), isWhole: true));
    }

    [Fact]
    public void Quarantine_keeps_no_more_than_its_bound_and_nothing_unprintable()
    {
        var text = QuarantineText.Of(Encoding.UTF8.GetBytes("7\0|" + new string('x', 60_000)), Xdmod(), isWhole: true);

        Assert.Equal(QuarantineText.CharsMax, text.Length);
        Assert.StartsWith("7\uFFFD|xxx", text, StringComparison.Ordinal);
    }

    private static SacctLayout Xdmod() => Layout(SacctFields.Xdmod.Split(','));

    private static SacctLayout Layout(IReadOnlyList<string> names, string? cluster = null)
    {
        Assert.True(SacctLayout.TryCreate(names, cluster, out var layout, out var problem), problem);
        return layout;
    }

    private static (LineKind Kind, JobRun? Run, LineProblem? Problem) Parse(string line)
    {
        var kind = new SacctLineParser(Xdmod()).Parse(Encoding.UTF8.GetBytes(line), out var run, out var problem);
        return (kind, kind == LineKind.Run ? run : null, problem);
    }
}
