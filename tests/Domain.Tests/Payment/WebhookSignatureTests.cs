using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Payment.Domain;

namespace HpcBilling.Domain.Tests.Payment;

[Trait("Control", "PAY-01")]
public sealed class WebhookSignatureTests
{
    private const string Current = "current-secret-of-at-least-32-characters";
    private const string Previous = "previous-secret-of-at-least-32-characters";

    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly byte[] Body = """{"id":"evt_1","amountMinor":125000}"""u8.ToArray();

    [Fact]
    public void The_signature_is_the_hmac_of_timestamp_dot_body()
    {
        string timestamp = Now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.ASCII.GetBytes(timestamp + "."), .. Body];
        string expected = $"t={timestamp},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Current), signed))}";
        Assert.Equal(expected, WebhookSignature.Sign(Current, Now, Body));
    }

    [Fact]
    public void What_is_signed_with_the_secret_is_valid() =>
        Assert.Equal(SignatureVerdict.Valid, Verify(WebhookSignature.Sign(Current, Now, Body)));

    [Fact]
    public void Any_changed_bit_of_the_body_is_noticed() => Prop.ForAll(
        Gen.Choose(0, (Body.Length * 8) - 1).ToArbitrary(),
        bit =>
        {
            byte[] changed = [.. Body];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(SignatureVerdict.Wrong, Verify(WebhookSignature.Sign(Current, Now, Body), changed));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, SignatureVerdict.Valid)]
    [InlineData(-300, SignatureVerdict.Valid)]
    [InlineData(300, SignatureVerdict.Valid)]
    [InlineData(-301, SignatureVerdict.Stale)]
    [InlineData(301, SignatureVerdict.Stale)]
    public void A_signature_is_good_for_five_minutes(int secondsFromNow, object expected) =>
        Assert.Equal((SignatureVerdict)expected, Verify(WebhookSignature.Sign(Current, Now.AddSeconds(secondsFromNow), Body)));

    [Fact]
    public void The_timestamp_is_under_the_signature()
    {
        string header = WebhookSignature.Sign(Current, Now.AddHours(-1), Body);
        string renewed = $"t={Now.ToUnixTimeSeconds()},{header.Split(',')[1]}";
        Assert.Equal(SignatureVerdict.Wrong, Verify(renewed));
    }

    [Fact]
    [Trait("Control", "PAY-06")]
    public void During_a_rotation_both_secrets_are_good_and_afterwards_only_the_new_one()
    {
        string byPrevious = WebhookSignature.Sign(Previous, Now, Body);
        Assert.Equal(SignatureVerdict.Valid, WebhookSignature.Verify(byPrevious, Body, [Current, Previous], Now));
        Assert.Equal(SignatureVerdict.Wrong, WebhookSignature.Verify(byPrevious, Body, [Current], Now));
    }

    [Fact]
    public void A_sender_in_rotation_may_sign_with_both_secrets()
    {
        string header = WebhookSignature.Sign(Previous, Now, Body) + "," + WebhookSignature.Sign(Current, Now, Body).Split(',')[1];
        Assert.Equal(SignatureVerdict.Valid, Verify(header));
    }

    [Theory]
    [InlineData(null, SignatureVerdict.Missing)]
    [InlineData("", SignatureVerdict.Missing)]
    [InlineData("nonsense", SignatureVerdict.Malformed)]
    [InlineData("t=1763812800", SignatureVerdict.Malformed)]
    [InlineData("t=1763812800,v1=00", SignatureVerdict.Malformed)]
    [InlineData("t=1763812800,t=1763812800,v1=0000000000000000000000000000000000000000000000000000000000000000", SignatureVerdict.Malformed)]
    [InlineData("t=-1,v1=0000000000000000000000000000000000000000000000000000000000000000", SignatureVerdict.Malformed)]
    [InlineData("t=99999999999999999999,v1=0000000000000000000000000000000000000000000000000000000000000000", SignatureVerdict.Malformed)]
    [InlineData("t=1763812800,v1=zz00000000000000000000000000000000000000000000000000000000000000", SignatureVerdict.Malformed)]
    [InlineData("t=1763812800,v1=0000000000000000000000000000000000000000000000000000000000000000", SignatureVerdict.Wrong)]
    [InlineData("t=1763812800,v0=0000000000000000000000000000000000000000000000000000000000000000", SignatureVerdict.Malformed)]
    public void Anything_else_is_refused(string? header, object expected) => Assert.Equal((SignatureVerdict)expected, Verify(header));

    [Fact]
    public void Any_header_gets_a_verdict_and_no_exception() => Prop.ForAll<string?>(header =>
        Assert.NotEqual(SignatureVerdict.Valid, Verify(header))).QuickCheckThrowOnFailure();

    private static SignatureVerdict Verify(string? header, byte[]? body = null) => WebhookSignature.Verify(header, body ?? Body, [Current], Now);
}
