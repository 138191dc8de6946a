using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Payment.Domain;

namespace HpcBilling.Domain.Tests.Payment;

public sealed class PaymentStateTests
{
    private static readonly Amount Price = new(125_000, "THB");

    [Fact]
    public void A_success_settles_an_open_payable() =>
        Assert.IsType<WebhookDecision.Settle>(Decide(PaymentStatus.Pending, PayableStatus.Open, ProviderEventKind.Succeeded));

    [Fact]
    public void A_success_after_a_decline_still_settles_because_money_has_moved() =>
        Assert.IsType<WebhookDecision.Settle>(Decide(PaymentStatus.Failed, PayableStatus.Open, ProviderEventKind.Succeeded));

    [Fact]
    public void A_success_for_a_settled_payable_is_to_be_refunded() =>
        Assert.IsType<WebhookDecision.Refund>(Decide(PaymentStatus.Pending, PayableStatus.Settled, ProviderEventKind.Succeeded));

    [Fact]
    public void A_decline_after_a_success_is_refused_with_a_reason()
    {
        var refused = Assert.IsType<WebhookDecision.NoChange>(Decide(PaymentStatus.Succeeded, PayableStatus.Settled, ProviderEventKind.Failed));
        Assert.NotEmpty(refused.Reason);
    }

    [Theory]
    [Trait("Control", "PAY-02")]
    [InlineData(124_999, "THB")]
    [InlineData(125_001, "THB")]
    [InlineData(0, "THB")]
    [InlineData(-125_000, "THB")]
    [InlineData(125_000, "USD")]
    [InlineData(125_000, "thb")]
    public void Another_amount_or_currency_changes_nothing(long minor, string currency)
    {
        foreach (PaymentStatus status in Enum.GetValues<PaymentStatus>())
        {
            WebhookDecision decision = PaymentState.Decide(
                status, PayableStatus.Open, Price, ProviderEventKind.Succeeded, new Amount(minor, currency));
            Assert.Equal(new WebhookDecision.Mismatch(Price, new Amount(minor, currency)), decision);
            Assert.Equal(status, PaymentState.After(status, decision));
        }
    }

    [Fact]
    public void An_event_of_an_unknown_type_changes_nothing_whatever_it_reports() =>
        Assert.IsType<WebhookDecision.NoChange>(PaymentState.Decide(
            PaymentStatus.Pending, PayableStatus.Open, Price, ProviderEventKind.Other, new Amount(1, "USD")));

    [Fact]
    [Trait("Control", "PAY-09")]
    public void Deliveries_in_any_order_and_number_end_in_the_same_state()
    {
        Gen<ProviderEventKind[]> deliveries = Gen.Elements(Enum.GetValues<ProviderEventKind>()).ArrayOf();
        Prop.ForAll(deliveries.ToArbitrary(), events =>
        {
            PaymentStatus inOrder = Deliver(events);
            PaymentStatus shuffled = Deliver([.. events.Reverse()]);
            PaymentStatus doubled = Deliver([.. events.Concat(events)]);
            PaymentStatus expected = events.Contains(ProviderEventKind.Succeeded) ? PaymentStatus.Succeeded
                : events.Contains(ProviderEventKind.Failed) ? PaymentStatus.Failed
                : PaymentStatus.Pending;
            Assert.Equal((expected, expected, expected), (inOrder, shuffled, doubled));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    [Trait("Control", "PAY-09")]
    public void However_many_payments_succeed_exactly_one_settles_and_the_others_are_refunds()
    {
        Gen<(int Payment, ProviderEventKind Kind)[]> deliveries =
            Gen.Choose(0, 3).SelectMany(p => Gen.Elements(Enum.GetValues<ProviderEventKind>()).Select(kind => (p, kind))).ArrayOf();
        Prop.ForAll(deliveries.ToArbitrary(), events =>
        {
            var payments = new PaymentStatus[4];
            PayableStatus payable = PayableStatus.Open;
            int settlements = 0;
            foreach ((int payment, ProviderEventKind kind) in events)
            {
                WebhookDecision decision = PaymentState.Decide(payments[payment], payable, Price, kind, Price);
                payments[payment] = PaymentState.After(payments[payment], decision);
                if (decision is not WebhookDecision.Settle) continue;
                settlements++;
                payable = PayableStatus.Settled;
            }

            int paid = events.Where(e => e.Kind == ProviderEventKind.Succeeded).Select(e => e.Payment).Distinct().Count();
            Assert.Equal(Math.Min(paid, 1), settlements);
            Assert.Equal(Math.Min(paid, 1), payments.Count(p => p == PaymentStatus.Succeeded));
            Assert.Equal(Math.Max(paid - 1, 0), payments.Count(p => p == PaymentStatus.Duplicate));
        }).QuickCheckThrowOnFailure();
    }

    private static WebhookDecision Decide(PaymentStatus payment, PayableStatus payable, ProviderEventKind kind) =>
        PaymentState.Decide(payment, payable, Price, kind, Price);

    private static PaymentStatus Deliver(IReadOnlyList<ProviderEventKind> events)
    {
        PaymentStatus payment = PaymentStatus.Pending;
        PayableStatus payable = PayableStatus.Open;
        foreach (ProviderEventKind kind in events)
        {
            WebhookDecision decision = Decide(payment, payable, kind);
            if (decision is WebhookDecision.Settle) payable = PayableStatus.Settled;
            payment = PaymentState.After(payment, decision);
        }

        return payment;
    }
}
