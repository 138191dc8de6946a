using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Identity.Domain;

namespace HpcBilling.Domain.Tests.Identity;

public sealed class TotpTests
{
    private static readonly byte[] Secret = Encoding.ASCII.GetBytes("12345678901234567890");

    // RFC 6238, appendix B, the rows of SHA-1: eight digits each, of which ours are the last six.
    [Theory]
    [InlineData(59L, "94287082")]
    [InlineData(1111111109L, "07081804")]
    [InlineData(1111111111L, "14050471")]
    [InlineData(1234567890L, "89005924")]
    [InlineData(2000000000L, "69279037")]
    [InlineData(20000000000L, "65353130")]
    public void The_codes_are_those_of_RFC_6238(long unixSeconds, string expected)
    {
        long step = Totp.StepAt(DateTimeOffset.FromUnixTimeSeconds(unixSeconds));
        Assert.Equal(expected, (Totp.Value(Secret, step) % 100_000_000).ToString("D8", CultureInfo.InvariantCulture));
        Assert.Equal(expected[2..], Totp.CodeAt(Secret, step));
    }

    // RFC 4226, appendix D.
    [Theory]
    [InlineData(0, "755224")]
    [InlineData(1, "287082")]
    [InlineData(5, "254676")]
    [InlineData(9, "520489")]
    public void The_codes_are_those_of_RFC_4226(long counter, string expected) => Assert.Equal(expected, Totp.CodeAt(Secret, counter));

    [Fact]
    public void A_clock_may_be_off_by_one_step_and_no_more() => Prop.ForAll(
        ArbMap.Default.ArbFor<(uint Seconds, byte Steps)>(),
        moment =>
        {
            DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(moment.Seconds + 300L);
            long offset = (moment.Steps % 7) - 3;
            long? match = Totp.Match(Secret, Totp.CodeAt(Secret, Totp.StepAt(now) + offset), now, lastStep: 0);
            return match is not null == offset is >= -1 and <= 1 || IsCoincidence(now, offset);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_code_is_taken_once_and_none_from_before_it_afterwards()
    {
        DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(1_111_111_111);
        long step = Totp.StepAt(now);
        Assert.Equal(step, Totp.Match(Secret, Totp.CodeAt(Secret, step), now, lastStep: step - 5));
        Assert.Null(Totp.Match(Secret, Totp.CodeAt(Secret, step), now, lastStep: step));
        Assert.Null(Totp.Match(Secret, Totp.CodeAt(Secret, step - 1), now, lastStep: step));
        Assert.Equal(step + 1, Totp.Match(Secret, Totp.CodeAt(Secret, step + 1), now, lastStep: step));
    }

    [Theory]
    [InlineData("050 471", true)]
    [InlineData(" 050471 ", true)]
    [InlineData("50471", false)]
    [InlineData("0504711", false)]
    [InlineData("٠٥٠٤٧١", false)]
    [InlineData("", false)]
    public void Spaces_do_not_count_and_all_digits_do(string typed, bool taken) =>
        Assert.Equal(taken, Totp.Match(Secret, typed, DateTimeOffset.FromUnixTimeSeconds(1_111_111_111), lastStep: 0) is not null);

    // Six digits repeat now and then: a code from outside the window may be that of a step inside.
    private static bool IsCoincidence(DateTimeOffset now, long offset)
    {
        long current = Totp.StepAt(now);
        string code = Totp.CodeAt(Secret, current + offset);
        return Enumerable.Range(-1, 3).Any(near => Totp.CodeAt(Secret, current + near) == code);
    }
}
