using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("THB", 1234, "12.34 THB")]
    [InlineData("JPY", 1234, "1234 JPY")]
    [InlineData("KWD", 1234, "1.234 KWD")]
    [InlineData("THB", 5, "0.05 THB")]
    public void Money_reads_as_people_write_it(string code, long minor, string text) =>
        Assert.Equal(text, new Money(minor, Currency.Of(code)).ToString());

    [Fact]
    public void A_total_does_not_depend_on_the_order_of_its_lines() => Prop.ForAll(
        Gen.Choose(0, 1_000_000).ArrayOf().ToArbitrary(),
        amounts =>
        {
            var baht = Currency.Of("THB");
            Money Total(IEnumerable<int> lines) => lines.Aggregate(Money.Zero(baht), (sum, minor) => sum + new Money(minor, baht));
            return Total(amounts) == Total(amounts.OrderDescending()) && Total(amounts).Minor == amounts.Sum(minor => (long)minor);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Two_currencies_are_not_added() =>
        Assert.Throws<InvalidOperationException>(() => new Money(1, Currency.Of("THB")) + new Money(1, Currency.Of("EUR")));

    [Fact]
    public void A_sum_that_does_not_fit_is_an_error() =>
        Assert.Throws<OverflowException>(() => new Money(long.MaxValue, Currency.Of("THB")) + new Money(1, Currency.Of("THB")));

    [Theory]
    [InlineData("thb")]
    [InlineData("XXX")]
    [InlineData("")]
    public void An_unknown_currency_is_refused(string code) => Assert.Throws<ArgumentException>(() => Currency.Of(code));
}
