using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class RunRatingTests
{
    private static readonly DateTimeOffset Noon = new(2017, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly RunFacts OneCoreHour = new(Noon.AddHours(-1), Noon, 3600, Cpus: 1, Gpus: 0, MemoryMib: 0);
    private static readonly TariffBook Tariffs = new([PricingTests.Tariff(cpu: 1m)]);

    [Fact]
    public void A_finished_run_is_priced_by_the_tariff_of_its_tier()
    {
        var priced = Assert.IsType<RunRating.Priced>(RunRating.Of(OneCoreHour, "mu", Tariffs));
        Assert.Equal(new Money(100, Currency.Of("THB")), priced.Price.Amount);
    }

    [Fact]
    public void A_run_whose_amount_rounds_to_nothing_is_priced_all_the_same()
    {
        var priced = Assert.IsType<RunRating.Priced>(RunRating.Of(OneCoreHour with { ChargedSeconds = 1 }, "mu", Tariffs));
        Assert.Equal(0, priced.Price.Amount.Minor);
    }

    [Fact]
    public void A_running_run_has_no_final_charge() =>
        Assert.IsType<RunRating.Unfinished>(RunRating.Of(OneCoreHour with { EndedAt = null }, "mu", Tariffs));

    [Fact]
    public void A_run_that_never_started_is_exempt() => Assert.Equal(
        new RunRating.Exempt(RunRating.NeverStarted),
        RunRating.Of(OneCoreHour with { StartedAt = null, ChargedSeconds = 0 }, "mu", Tariffs));

    [Fact]
    public void A_run_of_no_time_is_exempt() => Assert.Equal(
        new RunRating.Exempt(RunRating.ZeroSeconds), RunRating.Of(OneCoreHour with { ChargedSeconds = 0 }, "mu", Tariffs));

    [Fact]
    public void A_run_that_held_nothing_is_exempt() => Assert.Equal(
        new RunRating.Exempt(RunRating.NothingAllocated), RunRating.Of(OneCoreHour with { Cpus = 0 }, "mu", Tariffs));

    [Fact]
    public void A_tier_without_a_tariff_is_named_and_not_free() => Assert.Equal(
        new RunRating.Unpriced(RunRating.TierWithoutTariff), RunRating.Of(OneCoreHour, "gov", Tariffs));

    [Fact]
    public void A_run_before_the_first_tariff_is_named_and_not_free()
    {
        var later = new TariffBook([PricingTests.Tariff(cpu: 1m, from: Noon.AddTicks(1))]);
        Assert.Equal(new RunRating.Unpriced(RunRating.NoTariffInForce), RunRating.Of(OneCoreHour, "mu", later));
    }

    [Theory]
    [InlineData(long.MaxValue, 3600)]
    [InlineData(long.MaxValue, 1)]
    public void An_absurd_record_is_named_and_stops_nothing(long cpus, long seconds)
    {
        var tariffs = new TariffBook([PricingTests.Tariff(cpu: Rate.Max)]);
        Assert.Equal(
            new RunRating.Unpriced(RunRating.AmountOutOfRange),
            RunRating.Of(OneCoreHour with { Cpus = cpus, ChargedSeconds = seconds }, "mu", tariffs));
    }

    [Fact]
    public void The_version_in_force_is_the_one_that_took_effect_last()
    {
        var march = PricingTests.Tariff(version: 2, from: Noon.AddMonths(2));
        var february = PricingTests.Tariff(version: 3, from: Noon.AddMonths(1));
        var book = new TariffBook([PricingTests.Tariff(), march, february]);

        Assert.Equal(1, book.InForce("mu", february.EffectiveFrom.AddTicks(-1))!.Version);
        Assert.Equal(3, book.InForce("mu", february.EffectiveFrom)!.Version);
        Assert.Equal(2, book.InForce("mu", march.EffectiveFrom)!.Version);
    }

    [Fact]
    public void Of_two_versions_with_one_effect_the_later_published_corrects_the_earlier()
    {
        var book = new TariffBook([PricingTests.Tariff(version: 2, from: Noon), PricingTests.Tariff(version: 1, from: Noon)]);
        Assert.Equal(2, book.InForce("mu", Noon)!.Version);
    }
}
