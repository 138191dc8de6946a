using System.Globalization;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class PricingTests
{
    private static readonly Currency Baht = Currency.Of("THB");

    [Theory]
    [InlineData(3600, "1.00", 100)]
    [InlineData(360, "12.00", 120)] // 4 GPUs for 90 s
    [InlineData(1, "0.50", 0)] // 0.0138… satang
    [InlineData(35, "0.50", 0)] // 0.4861…
    [InlineData(36, "0.50", 1)] // exactly half a satang goes away from zero
    [InlineData(18, "3", 2)] // 1.5
    [InlineData(90, "1.00", 3)] // 2.5: not to the even neighbour
    [InlineData(0, "1000000", 0)]
    [InlineData(912_426, "0.000001", 0)]
    [InlineData(3600, "0.005", 1)]
    [InlineData(3600, "0.004999", 0)]
    public void A_line_is_rounded_once_half_away_from_zero(long unitSeconds, string rate, long minor) =>
        Assert.Equal(minor, Pricing.LineMinor(unitSeconds, Decimal(rate), 3600, Baht));

    [Fact]
    public void Memory_is_charged_by_the_gibibyte_hour()
    {
        var tariff = Tariff(memory: 1m);
        var oneGibForOneHour = ChargedTres.Of(0, 0, 1024, 3600);
        Assert.Equal(100, Pricing.Price(tariff, oneGibForOneHour).MemoryMinor);
    }

    [Theory]
    [InlineData("JPY", 1)]
    [InlineData("THB", 123)]
    [InlineData("KWD", 1235)] // 1.2345 dinar are 1234.5 fils
    public void The_currency_says_how_many_decimals_there_are(string code, long minor) =>
        Assert.Equal(minor, Pricing.LineMinor(3600, 1.2345m, 3600, Currency.Of(code)));

    [Fact]
    public void An_amount_that_does_not_fit_is_an_error_and_no_other_amount() =>
        Assert.Throws<OverflowException>(() => Pricing.LineMinor(long.MaxValue, Rate.Max, 3600, Baht));

    [Fact]
    public void The_largest_quantity_at_the_finest_rate_is_exact() =>
        Assert.Equal(256_204_778_801_522, Pricing.LineMinor(long.MaxValue, 0.001m, 3600, Baht)); // 9223372036854775807 / 36000

    [Fact]
    public void Negative_time_is_a_bug() => Assert.Throws<ArgumentOutOfRangeException>(() => Pricing.LineMinor(-1, 1m, 3600, Baht));

    [Fact]
    public void A_line_differs_from_the_exact_charge_by_half_a_minor_unit_at_most() => Prop.ForAll(
        Lines().ToArbitrary(),
        line =>
        {
            // |minor − exact| ≤ ½, in whole numbers: |minor·D − N| · 2 ≤ D.
            var minor = Pricing.LineMinor(line.UnitSeconds, line.Rate, 3600, Baht);
            var dividend = (BigInteger)line.UnitSeconds * (BigInteger)(line.Rate * 1_000_000m) * 100;
            BigInteger divisor = 3600L * 1_000_000;
            return BigInteger.Abs((minor * divisor) - dividend) * 2 <= divisor;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_longer_run_never_costs_less() => Prop.ForAll(
        Lines().ToArbitrary(),
        line => Pricing.LineMinor(line.UnitSeconds, line.Rate, 3600, Baht)
            <= Pricing.LineMinor(line.UnitSeconds + 1, line.Rate, 3600, Baht)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_runs_amount_is_the_sum_of_its_lines() => Prop.ForAll(
        Lines().ToArbitrary(),
        line =>
        {
            var price = Pricing.Price(Tariff(line.Rate, line.Rate / 2, line.Rate / 4), new ChargedTres(line.UnitSeconds, 7, line.UnitSeconds));
            return price.Amount.Minor == price.CpuMinor + price.GpuMinor + price.MemoryMinor;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_split_loses_no_second() => Prop.ForAll(
        Gen.Choose(0, 10_000).Four().ToArbitrary(),
        split =>
        {
            var (cpus, memory, before, after) = split;
            var whole = ChargedTres.Of(cpus, 1, memory, before + after);
            var first = ChargedTres.Of(cpus, 1, memory, before);
            var second = ChargedTres.Of(cpus, 1, memory, after);
            return whole.CpuSeconds == first.CpuSeconds + second.CpuSeconds
                && whole.GpuSeconds == first.GpuSeconds + second.GpuSeconds
                && whole.MemoryMibSeconds == first.MemoryMibSeconds + second.MemoryMibSeconds;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("-0.01", "must not be negative")]
    [InlineData("1000000.01", "must be at most 1000000")]
    [InlineData("0.0000001", "must have at most 6 decimals")]
    public void A_rate_out_of_bounds_is_refused_with_the_reason(string rate, string reason) =>
        Assert.Equal(reason, Rate.Refusal(Decimal(rate)));

    [Theory]
    [InlineData("0")]
    [InlineData("0.000001")]
    [InlineData("1000000")]
    [InlineData("1.50000000")]
    public void A_rate_within_bounds_is_taken(string rate) => Assert.Null(Rate.Refusal(Decimal(rate)));

    internal static TariffVersion Tariff(
        decimal cpu = 0, decimal gpu = 0, decimal memory = 0, string tier = "mu", int version = 1, DateTimeOffset? from = null) =>
        new(tier, version, from ?? DateTimeOffset.UnixEpoch, Baht, decimal.Round(cpu, 6), decimal.Round(gpu, 6), decimal.Round(memory, 6));

    private static Gen<(long UnitSeconds, decimal Rate)> Lines() =>
        from high in Gen.Choose(0, 1_000_000)
        from low in Gen.Choose(0, 1_000_000)
        from rateMicros in Gen.Choose(0, 2_000_000_000)
        select (((long)high * 1_000_000) + low, rateMicros / 1_000_000m);

    private static decimal Decimal(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);
}
