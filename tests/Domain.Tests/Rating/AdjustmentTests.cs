using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class AdjustmentTests
{
    private static readonly DateTimeOffset Noon = new(2017, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly Currency Baht = Currency.Of("THB");
    private static readonly RunFacts OneCoreHour = new(Noon.AddHours(-1), Noon, 3600, Cpus: 1, Gpus: 0, MemoryMib: 0);
    private static readonly TariffBook Tariffs = new(
    [
        PricingTests.Tariff(cpu: 1m, gpu: 10m, memory: 0.1m), PricingTests.Tariff(cpu: 3m, gpu: 20m, memory: 0.3m, version: 2, from: Noon.AddHours(1)),
    ]);

    private static readonly BilledRun Billed = new("alice", "mu", OneCoreHour, new RunPrice(Baht, 100, 0, 0));

    [Fact]
    public void Longer_than_billed_is_owed_line_by_line()
    {
        var differs = Assert.IsType<Adjustment.Differs>(Of(OneCoreHour with { ChargedSeconds = 7200, MemoryMib = 1024 }));
        Assert.Equal(new RunPrice(Baht, 200, 0, 20), differs.Owed);
        Assert.Equal(["charged_seconds", "memory_mib"], differs.Changed);
    }

    [Theory]
    [InlineData(true, RunRating.NeverStarted)]
    [InlineData(false, RunRating.ZeroSeconds)]
    public void A_run_that_collapses_to_nothing_gives_everything_back(bool neverStarted, string reason)
    {
        var differs = Assert.IsType<Adjustment.Differs>(Of(OneCoreHour with { StartedAt = neverStarted ? null : OneCoreHour.StartedAt, ChargedSeconds = 0 }));
        Assert.Equal(new RunPrice(Baht, 0, 0, 0), differs.Owed);
        Assert.Equal(new RunRating.Exempt(reason), differs.Rating);
    }

    [Fact]
    public void A_later_end_is_priced_by_the_tariff_in_force_then()
    {
        var differs = Assert.IsType<Adjustment.Differs>(Of(OneCoreHour with { EndedAt = Noon.AddHours(1) }));
        Assert.Equal((2, 300), (Assert.IsType<RunRating.Priced>(differs.Rating).Tariff.Version, differs.Owed.CpuMinor));
        Assert.Equal(["ended_at"], differs.Changed);
    }

    [Fact]
    public void Other_facts_that_cost_the_same_are_no_line() =>
        Assert.IsType<Adjustment.CostsTheSame>(Of(OneCoreHour with { EndedAt = Noon.AddMinutes(1), StartedAt = Noon.AddMinutes(-59) }));

    [Fact]
    public void Lines_that_differ_and_add_up_to_the_same_are_an_adjustment_of_nothing()
    {
        var differs = Assert.IsType<Adjustment.Differs>(Of(OneCoreHour with { Cpus = 0, Gpus = 1, ChargedSeconds = 360 }));
        Assert.Equal(Billed.Price.Amount, differs.Owed.Amount);
    }

    [Fact]
    public void What_runs_again_or_has_no_price_or_another_owner_waits()
    {
        Assert.Equal(new Adjustment.Waits(Adjustment.Unfinished), Of(OneCoreHour with { EndedAt = null }));
        Assert.Equal(new Adjustment.Waits(RunRating.AmountOutOfRange), Of(OneCoreHour with { Cpus = long.MaxValue }));
        Assert.Equal(new Adjustment.Waits(RunRating.NoTariffInForce), Of(OneCoreHour with { EndedAt = DateTimeOffset.UnixEpoch.AddTicks(-1) }));
        Assert.Equal(new Adjustment.Waits(RunRating.TierWithoutTariff), Adjustment.Of(Billed with { Tier = "gov" }, "alice", OneCoreHour, Tariffs));
        Assert.Equal(new Adjustment.Waits(Adjustment.OtherUser), Adjustment.Of(Billed, "bob", OneCoreHour, Tariffs));
        Assert.Equal(
            new Adjustment.Waits(Adjustment.OtherCurrency), Adjustment.Of(Billed with { Price = new RunPrice(Currency.Of("JPY"), 100, 0, 0) }, "alice", OneCoreHour, Tariffs));
    }

    [Fact]
    public void Lines_and_adjustments_add_up_to_the_price_of_the_facts_adjusted_last() => Prop.ForAll(
        Steps().ToArbitrary(),
        steps =>
        {
            // As the documents have it: what each line says, added up; and as the run has it: the facts taken up last.
            var (cpu, gpu, memory) = (Billed.Price.CpuMinor, Billed.Price.GpuMinor, Billed.Price.MemoryMinor);
            var (taken, told) = (OneCoreHour, OneCoreHour);
            foreach (var (facts, isIssued) in steps)
            {
                told = facts;
                if (!isIssued) continue;
                var billed = Billed with { Facts = taken, Price = new RunPrice(Baht, cpu, gpu, memory) };
                switch (Adjustment.Of(billed, "alice", told, Tariffs))
                {
                    case Adjustment.Differs differs:
                        if (differs.Changed.Count == 0) return false;
                        cpu += differs.Owed.CpuMinor - billed.Price.CpuMinor;
                        gpu += differs.Owed.GpuMinor - billed.Price.GpuMinor;
                        memory += differs.Owed.MemoryMinor - billed.Price.MemoryMinor;
                        taken = told;
                        break;
                    case Adjustment.CostsTheSame:
                        taken = told;
                        break;
                }

                if (new RunPrice(Baht, cpu, gpu, memory) != PriceOf(taken)) return false;
            }

            return true;
        }).QuickCheckThrowOnFailure();

    private static RunPrice PriceOf(RunFacts facts) =>
        RunRating.Of(facts, "mu", Tariffs) is RunRating.Priced priced ? priced.Price : new RunPrice(Baht, 0, 0, 0);

    private static Adjustment Of(RunFacts facts) => Adjustment.Of(Billed, "alice", facts, Tariffs);

    private static Gen<(RunFacts Facts, bool IsIssued)[]> Steps() => (
        from seconds in Gen.Choose(0, 20_000)
        from cpus in Gen.Choose(0, 3)
        from gpus in Gen.Choose(0, 2)
        from memory in Gen.Choose(0, 2)
        from end in Gen.Choose(-1, 2)
        from started in Gen.Choose(0, 5)
        from issued in Gen.Choose(0, 1)
        select (new RunFacts(
            started == 0 ? null : Noon.AddHours(-9), end < 0 ? null : Noon.AddHours(end), seconds, cpus, gpus, memory * 1000L), issued == 1)).ArrayOf();
}
