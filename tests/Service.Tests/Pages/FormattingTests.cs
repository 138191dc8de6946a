using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.Extensions.Options;

namespace HpcBilling.Service.Tests.Pages;

public sealed class FormattingTests
{
    [Theory]
    [InlineData(123450, "THB", "1,234.50 THB")]
    [InlineData(5, "THB", "0.05 THB")]
    [InlineData(1234, "JPY", "1,234 JPY")]
    [InlineData(1234567, "KWD", "1,234.567 KWD")]
    [InlineData(long.MaxValue, "THB", "92,233,720,368,547,758.07 THB")]
    public void Money_has_the_decimals_of_its_currency(long minor, string currency, string shown) =>
        Assert.Equal(shown, Amounts.Money(minor, currency));

    [Theory]
    [InlineData("0.25", "THB", "0.25")]
    [InlineData("12.5", "THB", "12.50")]
    [InlineData("1.125", "THB", "1.125")]
    [InlineData("0.000001", "THB", "0.000001")]
    [InlineData("3", "JPY", "3")]
    [InlineData("1000", "THB", "1,000.00")]
    public void A_rate_shows_all_its_digits(string rate, string currency, string shown) =>
        Assert.Equal(shown, Amounts.Rate(decimal.Parse(rate, System.Globalization.CultureInfo.InvariantCulture), currency));

    [Fact]
    public void Hours_show_two_digits_in_tables_and_four_where_totals_are_compared()
    {
        Assert.Equal("11,767.99", Amounts.Hours(11767.9883m));
        Assert.Equal("11,767.9883", Amounts.HoursInFull(11767.9883m));
        Assert.Equal("10-13:27:06", Amounts.Span((((10 * 24) + 13) * 3600) + (27 * 60) + 6));
        Assert.Equal(0.0003m, UnitHours.Of(1, 1));
        Assert.Equal(62.5m, UnitHours.OfMib(64000, 3600));
    }

    [Theory]
    [InlineData("0", "0 %")]
    [InlineData("0.0001", "< 1 %")]
    [InlineData("0.125", "13 %")]
    [InlineData("1.0049", "100 %")]
    [InlineData("12.5", "1,250 %")]
    public void A_share_is_a_percentage_and_never_zero_by_rounding(string share, string shown) =>
        Assert.Equal(shown, Amounts.Share(decimal.Parse(share, System.Globalization.CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("0.2499", 300, true)]
    [InlineData("0.25", 300, false)]
    [InlineData("0.01", 299, false)]
    [InlineData(null, 300, false)]
    public void Little_is_called_low_in_runs_that_lasted(string? share, long seconds, bool isLow)
    {
        decimal? used = share is null ? null : decimal.Parse(share, System.Globalization.CultureInfo.InvariantCulture);
        var shown = new UsedShare(used, used, UsedShare.IsLasting(seconds));
        Assert.Equal((isLow, isLow), (shown.IsCpuLow, shown.IsMemoryLow));
    }

    [Theory]
    [Trait("Control", "WEB-02")]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1+1", "'-1+1")]
    [InlineData("-A1", "'-A1")]
    [InlineData("-", "'-")]
    [InlineData("-1234.50", "-1234.50")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("\n=1", "\"'\n=1\"")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("say \"so\"", "\"say \"\"so\"\"\"")]
    [InlineData("plain", "plain")]
    public void A_field_of_a_file_is_never_a_formula_and_never_two_fields(string field, string written) =>
        Assert.Equal($",{written},\r\n", CsvText.Row(null, field, ""));

    [Fact]
    public void An_instant_is_shown_in_the_zone_of_the_site_with_its_label()
    {
        SiteClock bangkok = Clock("Asia/Bangkok");
        var instant = new DateTimeOffset(2016, 12, 31, 20, 15, 0, TimeSpan.Zero);
        Assert.Equal("2017-01-01 03:15", bangkok.Minute(instant));
        Assert.Equal("+07", bangkok.Label(instant));
        Assert.Equal("UTC", Clock("UTC").Label(instant));
        Assert.Equal("+05:30", Clock("Asia/Kolkata").Label(instant));
        Assert.Equal("−05", Clock("America/New_York").Label(instant));
    }

    [Fact]
    public void A_day_begins_at_the_first_midnight_of_the_site()
    {
        Assert.Equal(new DateTimeOffset(2017, 1, 1, 17, 0, 0, TimeSpan.Zero), Clock("Asia/Bangkok").StartOf(new DateOnly(2017, 1, 2)));

        // Havana went back from 01:00 to 00:00 on that day: midnight came twice.
        Assert.Equal(new DateTimeOffset(2016, 11, 6, 4, 0, 0, TimeSpan.Zero), Clock("America/Havana").StartOf(new DateOnly(2016, 11, 6)));
    }

    private static SiteClock Clock(string zone) => new(Options.Create(new SiteOptions { TimeZone = zone }), TimeProvider.System);
}
