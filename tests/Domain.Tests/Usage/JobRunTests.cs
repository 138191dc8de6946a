using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class JobRunTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("00:00:24", 24)]
    [InlineData("01:30:00", 5400)]
    [InlineData("10-13:27:06", 912_426)]
    [InlineData("32-00:00:00", 2_764_800)]
    [InlineData("4000-00:00:01", 345_600_001)]
    [InlineData("100:00:00", 360_000)]
    [InlineData("84", 84)]
    [InlineData("0", 0)]
    public void Elapsed_time_may_have_any_number_of_days(string text, long seconds)
    {
        Assert.True(Elapsed.TryParse(Encoding.UTF8.GetBytes(text), out var read));
        Assert.Equal(seconds, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("00:60:00")]
    [InlineData("00:00:60")]
    [InlineData("1-24:00:00")]
    [InlineData("-01:00:00")]
    [InlineData("1--1:00:00")]
    [InlineData("12:34")]
    [InlineData("00:00.003")]
    [InlineData("INVALID")]
    [InlineData("99999999-00:00:00")]
    [InlineData("4294967294")]
    public void What_is_no_elapsed_time_is_refused(string text) => Assert.False(Elapsed.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Elapsed_time_reads_back_as_it_was_written() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seconds =>
    {
        var time = TimeSpan.FromSeconds(seconds);
        var clock = string.Create(CultureInfo.InvariantCulture, $"{time.Hours:00}:{time.Minutes:00}:{time.Seconds:00}");
        var text = time.Days == 0 ? clock : string.Create(CultureInfo.InvariantCulture, $"{time.Days}-{clock}");
        return Elapsed.TryParse(Encoding.UTF8.GetBytes(text), out var read) && read == seconds;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("2016-12-22T07:15:12", 1_482_390_912)]
    [InlineData("2016-12-22T07:15:12Z", 1_482_390_912)]
    [InlineData("1482390912", 1_482_390_912)]
    [InlineData("2024-02-29T23:59:59", 1_709_251_199)]
    public void Instants_are_utc_or_seconds_since_1970(string text, long epochSeconds)
    {
        Assert.True(SlurmTime.TryParse(Encoding.UTF8.GetBytes(text), out var instant));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(epochSeconds), instant);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Unknown")]
    [InlineData("None")]
    [InlineData("0")]
    public void What_has_not_happened_is_no_instant(string text)
    {
        Assert.True(SlurmTime.TryParse(Encoding.UTF8.GetBytes(text), out var instant));
        Assert.Null(instant);
    }

    [Theory]
    [InlineData("2023-02-29T00:00:00")]
    [InlineData("2016-12-22 07:15:12")]
    [InlineData("2016-12-22T07:15:12+07:00")]
    [InlineData("2016-12-22T24:00:00")]
    [InlineData("2016-13-22T00:00:00")]
    [InlineData("1969-12-31T23:59:59")]
    [InlineData("22/12/2016")]
    [InlineData("-5")]
    [InlineData("4294967294")]
    [InlineData("18446744073709551614")]
    public void What_is_no_instant_is_refused(string text) => Assert.False(SlurmTime.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void A_resized_jobs_later_record_is_not_charged_for_the_first_part_again()
    {
        // Two records of one job, as slurmdbd keeps them: the second has the resize as its submit, and the first start.
        var first = JobRun.Charge(2, Noon, Noon.AddSeconds(3));
        var second = JobRun.Charge(6, Noon.AddSeconds(5), Noon.AddSeconds(3));

        Assert.Equal((2, 4), (first, second));
    }

    [Fact]
    public void A_job_that_never_started_is_charged_nothing() => Assert.Equal(0, JobRun.Charge(0, Noon, null));

    [Fact]
    public void A_charge_is_never_negative() => Assert.Equal(0, JobRun.Charge(2, Noon.AddSeconds(60), Noon));

    [Fact]
    public void The_key_holds_cluster_raw_id_submit_and_start()
    {
        Assert.Equal("hpc/42/1795348800/1795348803", JobKey.Of("hpc", 42, Noon, Noon.AddSeconds(3)));
        Assert.Equal("hpc/42/1795348800/-", JobKey.Of("hpc", 42, Noon, null));
    }

    [Fact]
    public void An_ended_run_outweighs_an_unfinished_look_and_a_longer_look_a_shorter_one()
    {
        var early = Runs.Running(10);
        var late = Runs.Running(20);
        var ended = Runs.Ended(30);

        Assert.Equal(RunKnowledge.Same, RunComparison.Compare(ended, ended with { JobId = "other display" }));
        Assert.Equal(RunKnowledge.Newer, RunComparison.Compare(early, late));
        Assert.Equal(RunKnowledge.Older, RunComparison.Compare(late, early));
        Assert.Equal(RunKnowledge.Newer, RunComparison.Compare(late, ended));
        Assert.Equal(RunKnowledge.Older, RunComparison.Compare(ended, late));
        Assert.Equal(RunKnowledge.ChangedAfterFinal, RunComparison.Compare(ended, Runs.Ended(31)));
    }

    [Fact]
    public void Looks_at_one_run_end_in_the_same_state_in_any_order()
    {
        var looks =
            from seconds in Gen.Choose(0, 3)
            from state in Gen.Elements("PENDING", "RUNNING", "SUSPENDED")
            from finished in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
            select finished ? Runs.Ended(30) : Runs.Running(seconds) with { State = state };

        Prop.ForAll(looks.ListOf().Where(list => list.Count > 0).ToArbitrary(), list => Fold(list) == Fold(Enumerable.Reverse(list))).QuickCheckThrowOnFailure();
    }

    private static JobRun Fold(IEnumerable<JobRun> looks) => looks.Aggregate((stored, look) =>
        RunComparison.Compare(stored, look) == RunKnowledge.Newer ? look : stored);

    private static class Runs
    {
        public static JobRun Running(long seconds) => new(
            "hpc/1/2/3", "hpc", "1", 1, "alice", "physics", "cpu", "normal", "RUNNING", Noon, Noon, null, seconds, new Tres(4, 1024, 1, 0, 4, null, null));

        public static JobRun Ended(long seconds) => Running(seconds) with { State = "COMPLETED", EndedAt = Noon.AddSeconds(seconds) };
    }
}
