using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class MonthBalanceTests
{
    private static readonly DateTimeOffset From = new(2026, 10, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset To = From.AddMonths(1);
    private static readonly string[] Classes = [RatedRun.Billed, RatedRun.Unbilled, RatedRun.Exempt];

    // One number makes one run: where it ended, what it held, and what became of it.
    private static BalancedRun Fair(int seed, int number)
    {
        int salt = Math.Abs(seed % 1_000_003);
        JobRun run = Run(number, From.AddHours(-48 + (salt % 900)), 1 + (salt % 5000), new Tres(salt % 65, salt % 4096, salt % 4, salt % 5, salt % 7, salt % 5 > 0 ? $"a100={salt % 5}" : null, "license/x=2"));
        return new BalancedRun(run.JobKey, run, 1, run, null, new RatedRun(Classes[salt % 3], RatedFacts.Of(run), null));
    }

    [Fact]
    public void What_is_stored_is_billed_unbilled_or_exempt_and_all_that_slurmdbd_holds() => Prop.ForAll(Gen.Choose(0, 1_000_000).ArrayOf().ToArbitrary(), seeds =>
    {
        MonthBalance balance = Weigh(seeds.Select(Fair));
        Assert.All(balance.Totals, total => Assert.Equal((total.Stored, total.Stored, 0m), (total.Slurmdbd, total.Billed + total.Unbilled + total.Exempt, total.Difference)));
        Assert.Equal(balance.Runs(BalanceColumn.Stored), balance.Runs(BalanceColumn.Billed) + balance.Runs(BalanceColumn.Unbilled) + balance.Runs(BalanceColumn.Exempt));
        decimal cpu = seeds.Select(Fair).Select(pair => pair.Stored!.Value).Where(run => run.EndedAt >= From && run.EndedAt < To).Sum(run => run.CpuCoreSeconds);
        Assert.Equal(cpu, balance.Totals.FirstOrDefault(total => total.Tres == "cpu")?.Stored ?? 0);
        Assert.Equal((0L, 0), (balance.Differences, balance.Named.Count()));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_order_of_the_runs_does_not_matter_nor_which_are_named_first() => Prop.ForAll(Gen.Choose(0, 1_000_000).ArrayOf().ToArbitrary(), seeds =>
    {
        BalancedRun[] pairs = [.. seeds.Select((seed, number) => Bend(Fair(seed, number), seed))];
        MonthBalance one = Weigh(pairs, namedMax: 5);
        MonthBalance other = Weigh(pairs.OrderBy(pair => pair.Key.GetHashCode(StringComparison.Ordinal)), namedMax: 5);
        Assert.Equal(Text(one), Text(other));
        Assert.True(one.Named.Count() <= 5);
        Assert.Equal(one.Differences, one.Kinds.Where(kind => kind.Key is not ("quarantined" or "awaiting_adjustment")).Sum(kind => kind.Value));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Each_kind_of_difference_is_named()
    {
        JobRun run = Run(1, From.AddDays(1), 100, new Tres(2, 0, 1, 0, null, null, null));
        JobRun longer = run with { ChargedSeconds = 130, Account = "chem" };
        var fair = new BalancedRun(run.JobKey, run, 1, run, null, Rated(run, RatedRun.Billed));

        AssertNamed(fair with { Stored = null, Rated = null }, (RunDifference.MissingHere, 200m));
        AssertNamed(fair with { Told = null }, (RunDifference.UnknownThere, -200m));
        RunDifference changed = AssertNamed(fair with { Told = longer }, (RunDifference.OtherFacts, 60m));
        Assert.Equal([new FactChange("account", "physics", "chem"), new FactChange("charged_seconds", "100", "130")], changed.Changes);
        AssertNamed(fair with { ToldTimes = 2 }, (RunDifference.SameKey, 0m));
        AssertNamed(fair with { Rated = null }, (RunDifference.UnknownToRating, 200m));
        AssertNamed(fair with { Rated = Rated(longer, RatedRun.Unbilled) }, (RunDifference.RatingDiffers, -60m));
        AssertNamed(fair with { Rated = Rated(run, "unfinished") }, (RunDifference.RatingDiffers, 200m));

        // By the word of one side it ended in another month.
        AssertNamed(fair with { Told = run with { EndedAt = To } }, (RunDifference.OtherFacts, -200m));

        MonthBalance balance = Weigh([]);
        balance.AddUnknownHere("hpc/9/1/2", Rated(run, RatedRun.Billed));
        Assert.Equal((RunDifference.UnknownHere, -200m), (Assert.Single(balance.Named).Kind, balance.Totals.Single(total => total.Tres == "cpu").Difference));
    }

    [Fact]
    public void What_is_in_quarantine_or_waits_for_an_adjustment_is_named_and_has_its_place_in_the_sum()
    {
        JobRun run = Run(1, From.AddDays(1), 100, new Tres(2, 0, 1, 0, null, null, null));
        JobRun shorter = run with { ChargedSeconds = 40 };
        var billed = new RatedRun(RatedRun.Billed, RatedFacts.Of(run), RatedFacts.Of(shorter));
        MonthBalance balance = Weigh(
            [new BalancedRun("a", run, 1, null, "contradiction", null), new BalancedRun("b", shorter, 1, shorter, null, billed)]);
        balance.Add(new RefusedRecord("c", "bad_field", "", IsKnown: true, new HeldTres(From, 10, new Tres(3, 0, 0, 0, null, null, null))));
        balance.Add(new RefusedRecord("d", "not_utf8", "", IsKnown: true, null));
        balance.Add(new RefusedRecord("e", "bad_field", "", IsKnown: true, new HeldTres(To, 10, new Tres(3, 0, 0, 0, null, null, null))));

        Assert.Equal(0, balance.Differences);
        Assert.Equal(["quarantined", "awaiting_adjustment", "quarantined", "quarantined"], balance.Named.Select(one => one.Kind));
        TresBalance cpu = balance.Totals.Single(total => total.Tres == "cpu");
        Assert.Equal((310m, 80m, 200m, -120m, 230m, 0m), (cpu.Slurmdbd, cpu.Stored, cpu.Billed, cpu.Unbilled, cpu.Quarantined, cpu.Difference));
        Assert.Equal(1, balance.NotValued);

        // A record that is in nobody's quarantine is missing.
        balance.Add(new RefusedRecord("f", "bad_field", "", IsKnown: false, new HeldTres(From, 10, new Tres(3, 0, 0, 0, null, null, null))));
        Assert.Equal((1L, 30m), (balance.Differences, balance.Totals.Single(total => total.Tres == "cpu").Difference));
    }

    [Fact]
    public void A_run_that_the_site_cuts_at_a_months_end_counts_once_and_each_part_where_it_stands()
    {
        JobRun run = Run(1, From.AddDays(1), 100, new Tres(2, 0, 1, 0, null, null, null));
        RatedFacts facts = RatedFacts.Of(run);
        var cut = new RatedRun(RatedRun.Billed, facts with { Seconds = 30 }, null) { Parts = [new RatedRun(RatedRun.Unbilled, facts with { Seconds = 70 }, null)] };
        MonthBalance balance = Weigh([new BalancedRun("a", run, 1, run, null, cut)]);
        Assert.Equal((0L, 0), (balance.Differences, balance.Named.Count()));
        TresBalance cpu = balance.Totals.Single(total => total.Tres == "cpu");
        Assert.Equal((200m, 60m, 140m, 0m), (cpu.Slurmdbd, cpu.Billed, cpu.Unbilled, cpu.Difference));
        Assert.Equal((1L, 0L), (balance.Runs(BalanceColumn.Billed), balance.Runs(BalanceColumn.Unbilled)));

        // A part that lost seconds after it was billed.
        RatedRun corrected = cut with { Parts = [new RatedRun(RatedRun.Billed, facts with { Seconds = 90 }, facts with { Seconds = 70 })] };
        MonthBalance owing = Weigh([new BalancedRun("a", run, 1, run, null, corrected)]);
        Assert.Equal((0L, RunDifference.AwaitingAdjustment), (owing.Differences, Assert.Single(owing.Named).Kind));

        RatedRun tooShort = cut with { Parts = [] };
        Assert.Equal(RunDifference.RatingDiffers, Assert.Single(Weigh([new BalancedRun("a", run, 1, run, null, tooShort)]).Named).Kind);
    }

    [Fact]
    public void Typed_gpus_split_the_total_and_every_other_resource_counts_by_its_name()
    {
        var tres = new Tres(2, 512, 1, 3, 7, "a100=2,v100=1", "fs/disk=2K,license/matlab=4,vendor/odd=much");
        Assert.Equal(
            ["cpu 20", "mem 5120", "node 10", "gres/gpu 30", "billing 70", "gres/gpu:a100 20", "gres/gpu:v100 10", "fs/disk 20480", "license/matlab 40"],
            TresSeconds.Of(tres, 10).Select(entry => $"{entry.Tres} {entry.UnitSeconds}"));
    }

    [Theory]
    [InlineData("""{"cluster":"hpc","time":{"submission":100,"start":200,"end":{"set":true,"infinite":false,"number":260},"elapsed":60},"tres.allocated":[{"type":"cpu","name":"","count":4}]}""", "260 60 4")]
    [InlineData("""{"time":{"submission":250,"start":200,"end":260,"elapsed":60},"tres.allocated":[{"type":"cpu","count":4}]}""", "260 10 4")]
    [InlineData("""{"time":{"submission":100,"start":200,"end":0,"elapsed":60},"tres.allocated":[]}""", " 60 0")]
    [InlineData("""{"time":{"submission":100,"start":200,"end":260},"tres.allocated":[{"type":"cpu","count":4}]}""", null)]
    [InlineData("""{"time":{"submission":100,"start":200,"end":260,"elapsed":60},"tres.allocated":[{"type":"cpu","count":-4}]}""", null)]
    [InlineData("""{"time":{"submission":100,"sta…""", null)]
    [InlineData("7|7|hpc|cpu|normal|physics||100|200|260|60|COMPLETED|cpu=4", "260 60 4")]
    [InlineData("7|7|hpc|cpu|normal|physics||100|200|260|60|COMPLETED|cpu=4|s1", "260 60 4")]
    [InlineData("7|7|hpc|cpu|normal|physics||100|200|260|60|COMPLETED", null)]
    [InlineData("", null)]
    public void What_a_record_in_quarantine_held_is_read_from_its_text_where_that_says_it(string text, string? expected)
    {
        string[] columns = ["JobID", "JobIDRaw", "Cluster", "Partition", "QOS", "Account", "User", "Submit", "Start", "End", "ElapsedRaw", "State", "AllocTRES"];
        Assert.True(SacctLayout.TryCreate(columns, null, out SacctLayout layout, out _));
        HeldTres? held = new HeldText().Read(text, layout);
        Assert.Equal(expected, held is null ? null : $"{held.EndedAt?.ToUnixTimeSeconds()} {held.Seconds} {held.Tres.Cpus}");
    }

    private static BalancedRun Bend(BalancedRun pair, int seed) => (seed % 11) switch
    {
        0 => pair with { Stored = null, Rated = null },
        1 => pair with { Told = null },
        2 => pair with { Told = pair.Told!.Value with { ChargedSeconds = 1 + seed } },
        3 => pair with { Rated = null },
        4 => pair with { Stored = null, Rated = null, QuarantineCode = "contradiction" },
        5 => pair with { ToldTimes = 3 },
        _ => pair,
    };

    private static RunDifference AssertNamed(BalancedRun pair, (string Kind, decimal CpuSeconds) expected)
    {
        MonthBalance balance = Weigh([pair]);
        RunDifference named = Assert.Single(balance.Named, one => one.IsDifference && one.Kind == expected.Kind);
        Assert.Equal(expected.CpuSeconds, balance.Totals.Single(total => total.Tres == "cpu").Difference);
        Assert.Equal(1, balance.Kinds[expected.Kind]);
        return named;
    }

    private static MonthBalance Weigh(IEnumerable<BalancedRun> pairs, int namedMax = 100)
    {
        var balance = new MonthBalance(From, To, namedMax);
        foreach (BalancedRun pair in pairs) balance.Add(pair);
        return balance;
    }

    private static string Text(MonthBalance balance)
    {
        var text = new StringBuilder();
        foreach (TresBalance total in balance.Totals) text.Append(total.Tres).Append(' ').AppendJoin(' ', total.Columns).Append('\n');
        foreach (RunDifference named in balance.Named) text.Append(named.Kind).Append(' ').Append(named.Subject).Append(' ').AppendJoin(' ', named.Changes).Append('\n');
        return text.AppendJoin(' ', balance.Kinds).ToString();
    }

    private static RatedRun Rated(JobRun run, string @class) => new(@class, RatedFacts.Of(run), null);

    private static JobRun Run(int number, DateTimeOffset end, long seconds, Tres tres) => new(
        $"hpc/{number}/1/2", "hpc", $"{number}", number, "alice", "physics", "cpu", "normal", "COMPLETED", end.AddSeconds(-seconds), end.AddSeconds(-seconds), end, seconds, tres);
}
