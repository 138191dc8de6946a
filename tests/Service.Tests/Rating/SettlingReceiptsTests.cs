using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Rating;

[Collection(nameof(Servers))]
public sealed class SettlingReceiptsTests(RatingSite site) : IClassFixture<RatingSite>
{
    private static readonly DateTimeOffset SettledAt = new(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    [Trait("Control", "PAY-04")]
    public async Task A_settled_payment_makes_its_receipt_paid_exactly_once()
    {
        var (org, receipt) = await IssuedAsync();
        var settled = new PaymentSettled(org.Id, Guid.CreateVersion7(), receipt, "dummy", 100, "THB", SettledAt);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => site.Bus.PublishAsync(settled)));
        await ConsumedAsync(org, 8);

        var paid = await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}");
        Assert.Equal("paid", paid["status"]!.GetValue<string>());
        Assert.Equal("dummy", paid["provider"]!.GetValue<string>());
        Assert.Equal(SettledAt, paid["settledAt"]!.GetValue<DateTimeOffset>());
        await org.AuditedAsync("receipt.paid");
        Assert.Equal(1, await site.Service.ScalarAsync<long>(
            "SELECT count(*) FROM outbox WHERE org_id = @Id AND body->>'action' = 'receipt.paid'", new { org.Id }));
    }

    [Theory]
    [Trait("Control", "PAY-02")]
    [InlineData(99, "THB")]
    [InlineData(101, "THB")]
    [InlineData(100, "USD")]
    public async Task Another_amount_settles_nothing_and_is_audited(long minor, string currency)
    {
        var (org, receipt) = await IssuedAsync();
        await site.Bus.PublishAsync(new PaymentSettled(org.Id, Guid.CreateVersion7(), receipt, "dummy", minor, currency, SettledAt));

        Assert.Equal("1.00 THB was owed", (await org.AuditedAsync("settlement.mismatch")).Details["reason"]);
        Assert.Equal("issued", (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}"))["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_second_payment_for_the_same_receipt_is_refused_and_audited()
    {
        var (org, receipt) = await IssuedAsync();
        await site.Bus.PublishAsync(new PaymentSettled(org.Id, Guid.CreateVersion7(), receipt, "dummy", 100, "THB", SettledAt));
        await org.AuditedAsync("receipt.paid");
        await site.Bus.PublishAsync(new PaymentSettled(org.Id, Guid.CreateVersion7(), receipt, "other", 100, "THB", SettledAt.AddHours(1)));

        await org.AuditedAsync("settlement.duplicate");
        Assert.Equal("dummy", (await RatingOrg.GetAsync(org.User("alice"), $"/api/v1/receipts/{receipt}"))["provider"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_payment_for_an_unknown_receipt_is_kept_as_a_dead_letter()
    {
        var (org, _) = await IssuedAsync();
        await site.Bus.PublishAsync(new PaymentSettled(org.Id, Guid.CreateVersion7(), Guid.CreateVersion7(), "dummy", 100, "THB", SettledAt));
        await Wait.UntilAsync("the message is dead-lettered", async () => await site.Bus.QueueLengthAsync("rating.payment-settled_error") > 0);
    }

    private async Task<(RatingOrg Org, Guid Receipt)> IssuedAsync()
    {
        var org = await site.NewOrgWithTariffAsync();
        await org.StoreAsync([Runs.Of("alice", 1)]);
        return (org, await org.IssueAsync("alice"));
    }

    private Task ConsumedAsync(RatingOrg org, int messages) => Wait.UntilAsync("the payments are consumed", async () =>
        await site.Service.ScalarAsync<long>("SELECT count(*) FROM inbox WHERE org_id = @Id AND consumer = 'SettleReceipt'", new { org.Id }) == messages);
}
