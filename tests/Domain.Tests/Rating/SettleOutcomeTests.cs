using HpcBilling.Rating.Domain;

namespace HpcBilling.Domain.Tests.Rating;

public sealed class SettleOutcomeTests
{
    private static readonly Guid Payment = new("01900000-0000-7000-8000-000000000042");
    private static readonly Currency Baht = Currency.Of("THB");
    private static readonly ReceiptState Issued = new(ReceiptStatus.Issued, new Money(1250, Baht), null);
    private static readonly ReceiptState Paid = Issued with { Status = ReceiptStatus.Paid, PaymentId = Payment };

    [Fact]
    [Trait("Control", "DATA-02")]
    public void An_issued_receipt_is_settled_by_its_exact_amount() =>
        Assert.Equal(new SettleOutcome.Settled(), SettleOutcome.Decide(Issued, Payment, 1250, "THB"));

    [Theory]
    [Trait("Control", "DATA-02")]
    [InlineData(1249, "THB")]
    [InlineData(1251, "THB")]
    [InlineData(0, "THB")]
    [InlineData(1250, "USD")]
    public void Another_amount_or_currency_settles_nothing(long minor, string currency) => Assert.Equal(
        new SettleOutcome.AmountMismatch(Issued.Total, minor, currency), SettleOutcome.Decide(Issued, Payment, minor, currency));

    [Fact]
    public void The_same_payment_again_changes_nothing() =>
        Assert.Equal(new SettleOutcome.AlreadySettled(), SettleOutcome.Decide(Paid, Payment, 1250, "THB"));

    [Fact]
    public void A_second_payment_for_a_paid_receipt_is_refused() => Assert.Equal(
        new SettleOutcome.SettledByAnother(Payment), SettleOutcome.Decide(Paid, Guid.NewGuid(), 1250, "THB"));

    [Fact]
    [Trait("Control", "DATA-02")]
    public void A_void_receipt_cannot_be_paid() => Assert.Equal(
        new SettleOutcome.ReceiptIsVoid(), SettleOutcome.Decide(Issued with { Status = ReceiptStatus.Void }, Payment, 1250, "THB"));

    [Fact]
    public void A_receipt_over_nothing_is_settled_from_the_start()
    {
        var nothing = new ReceiptState(ReceiptStatus.Paid, Money.Zero(Baht), null);
        Assert.Equal(new SettleOutcome.AlreadySettled(), SettleOutcome.Decide(nothing, Payment, 0, "THB"));
    }

    [Theory]
    [InlineData(0, 2026, 1, "R-2026-000001")]
    [InlineData(1250, 2026, 1_234_567, "R-2026-1234567")]
    [InlineData(-1, 2026, 1, "C-2026-000001")]
    public void A_number_names_the_kind_the_year_and_the_count(long totalMinor, int year, long sequence, string number) =>
        Assert.Equal(number, ReceiptNumber.Of(ReceiptKinds.Of(totalMinor), year, sequence));

    [Theory]
    [InlineData(0)]
    [InlineData(1250)]
    [InlineData(-1250)]
    [Trait("Control", "DATA-02")]
    public void No_payment_settles_a_credit_note(long minor)
    {
        var note = new ReceiptState(ReceiptStatus.Issued, new Money(-1250, Baht), null);
        foreach (var status in new[] { ReceiptStatus.Issued, ReceiptStatus.Refunded })
            Assert.Equal(new SettleOutcome.CreditNote(), SettleOutcome.Decide(note with { Status = status }, Payment, minor, "THB"));
    }

    [Fact]
    [Trait("Control", "DATA-02")]
    public void A_credit_note_is_paid_back_once_and_a_receipt_never()
    {
        Assert.Equal(new RefundOutcome.Refunded(), RefundOutcome.Decide(ReceiptKind.CreditNote, ReceiptStatus.Issued, null, "bank 17"));
        Assert.Equal(new RefundOutcome.AlreadyRefunded(), RefundOutcome.Decide(ReceiptKind.CreditNote, ReceiptStatus.Refunded, "bank 17", "bank 17"));
        Assert.Equal(new RefundOutcome.RefundedOtherwise(), RefundOutcome.Decide(ReceiptKind.CreditNote, ReceiptStatus.Refunded, "bank 17", "cash"));
        foreach (var status in new[] { ReceiptStatus.Issued, ReceiptStatus.Paid, ReceiptStatus.Void })
            Assert.Equal(new RefundOutcome.NotACreditNote(), RefundOutcome.Decide(ReceiptKind.Receipt, status, null, "bank 17"));
    }
}
