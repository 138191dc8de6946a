using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Payment;

[Collection(nameof(Servers))]
public sealed class PayingTests(Servers servers, SharedPayment shared) : IClassFixture<SharedPayment>
{
    private readonly PayFixture pay = shared.Pay;

    [Fact]
    public async Task A_researcher_pays_at_the_hosted_checkout_and_returns_to_a_paid_receipt()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        using HttpClient alice = pay.Browser(TestCaller.User("alice"));
        string start = await alice.GetStringAsync($"/payments/receipt/{receipt.ReceiptId}/start");
        Assert.Contains(receipt.Number, start, StringComparison.Ordinal);
        Assert.Contains("1,250.50 THB", start, StringComparison.Ordinal);

        string session = await pay.CheckoutAsync(receipt);
        Assert.Equal(session, await pay.CheckoutAsync(receipt)); // the open checkout is used again
        string waiting = await ThanksAsync(alice, await PaymentIdAsync(receipt));
        Assert.Contains("Waiting for the payment provider", waiting, StringComparison.Ordinal);

        using HttpResponseMessage paid = await pay.SubmitAsync($"/payments/dummy/{session}", null, ("outcome", "pay"));
        Assert.Equal(HttpStatusCode.SeeOther, paid.StatusCode);
        await Wait.UntilAsync("the receipt is settled", async () => await pay.PayableStatusAsync(receipt) == "settled");
        string thanks = await alice.GetStringAsync(paid.Headers.Location);
        Assert.Contains("the payment has arrived", thanks, StringComparison.Ordinal);
        Assert.Contains($"/me/receipts/{receipt.ReceiptId}", thanks, StringComparison.Ordinal);
        Assert.Single(await pay.SettlementsAsync(receipt));
        Assert.Equal("alice", (await pay.ActAsync("payment.started", receipt)).Actor);
    }

    [Fact]
    public async Task A_declined_payment_leaves_the_receipt_open_and_it_can_be_paid_again()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string declined = await pay.CheckoutAsync(receipt);
        (await pay.SubmitAsync($"/payments/dummy/{declined}", null, ("outcome", "decline"))).Dispose();
        await Wait.UntilAsync("the payment has failed", async () => await pay.PaymentStatusesAsync(receipt) == "failed");
        Assert.Equal("open", await pay.PayableStatusAsync(receipt));
        await pay.ActAsync("payment.failed", receipt);

        string again = await pay.CheckoutAsync(receipt);
        Assert.NotEqual(declined, again);
        (await pay.SubmitAsync($"/payments/dummy/{again}", null, ("outcome", "pay"))).Dispose();
        await Wait.UntilAsync("the receipt is settled", async () => await pay.PayableStatusAsync(receipt) == "settled");
        Assert.Equal("failed succeeded", await pay.PaymentStatusesAsync(receipt));
    }

    [Fact]
    public async Task An_event_that_the_platform_did_not_take_is_sent_again()
    {
        await using PayFixture own = await PayFixture.StartAsync(servers);
        ReceiptIssued receipt = await own.IssuedAsync();
        string session = await own.CheckoutAsync(receipt);
        own.Service.Settings["Payment__Dummy__WebhookUrl"] = $"http://127.0.0.1:{Servers.FreePort()}/nobody";
        await own.Service.RestartAsync();
        (await own.SubmitAsync($"/payments/dummy/{session}", null, ("outcome", "pay"))).Dispose();
        Assert.Equal("open", await own.PayableStatusAsync(receipt));

        own.Service.Settings.Remove("Payment__Dummy__WebhookUrl");
        await own.Service.RestartAsync();
        await Wait.UntilAsync("the receipt is settled", async () => await own.PayableStatusAsync(receipt) == "settled");
    }

    [Fact]
    [Trait("Control", "AUTHZ-03")]
    public async Task Anothers_receipt_and_payment_are_not_found_not_even_by_an_admin()
    {
        ReceiptIssued receipt = await pay.IssuedAsync("alice");
        await pay.CheckoutAsync(receipt);
        Guid payment = await PaymentIdAsync(receipt);

        using HttpClient nobody = pay.Browser(null);
        using HttpResponseMessage unknown = await nobody.GetAsync($"/payments/receipt/{receipt.ReceiptId}/start");
        Assert.Equal(HttpStatusCode.SeeOther, unknown.StatusCode);
        Assert.StartsWith("/login", unknown.Headers.Location!.OriginalString, StringComparison.Ordinal);
        foreach ((TestCaller stranger, HttpStatusCode refusal) in ((TestCaller, HttpStatusCode)[])[
            (TestCaller.User("mallory"), HttpStatusCode.NotFound), (TestCaller.Admin(), HttpStatusCode.NotFound),
            (TestCaller.User("alice", Guid.CreateVersion7()), HttpStatusCode.Forbidden)])
        {
            using HttpClient browser = pay.Browser(stranger);
            using HttpResponseMessage start = await browser.GetAsync($"/payments/receipt/{receipt.ReceiptId}/start");
            Assert.Equal(refusal, start.StatusCode);
            Assert.DoesNotContain(receipt.Number, await start.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            using HttpResponseMessage thanks = await browser.GetAsync($"/payments/thanks?payment={payment}");
            Assert.Equal(refusal, thanks.StatusCode);
        }
    }

    [Fact]
    public async Task A_receipt_that_is_still_on_its_way_gets_a_page_that_looks_again()
    {
        using HttpClient alice = pay.Browser(TestCaller.User("alice"));
        using HttpResponseMessage early = await alice.GetAsync($"/payments/receipt/{Guid.CreateVersion7()}/start");
        Assert.Equal(HttpStatusCode.NotFound, early.StatusCode);
        string said = await early.Content.ReadAsStringAsync();
        Assert.Contains("cannot be paid yet", said, StringComparison.Ordinal);
        Assert.Contains("or it is a credit note: that is paid back to you and cannot be paid", said, StringComparison.Ordinal);
        Assert.Contains("try=1", early.Headers.GetValues("Refresh").Single(), StringComparison.Ordinal);

        using HttpResponseMessage late = await alice.GetAsync($"/payments/receipt/{Guid.CreateVersion7()}/start?try=10");
        Assert.False(late.Headers.Contains("Refresh"));
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_form_without_its_token_starts_nothing()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        using HttpClient alice = pay.Browser(TestCaller.User("alice"));
        using HttpResponseMessage refused = await alice.PostAsync(
            $"/payments/receipt/{receipt.ReceiptId}/start", new FormUrlEncodedContent([]));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("", await pay.PaymentStatusesAsync(receipt));
    }

    [Fact]
    public async Task A_receipt_issued_twice_is_one_payable_and_a_receipt_over_nothing_is_paid_at_once()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        await pay.Bus.PublishAsync(receipt);
        ReceiptIssued nothing = await pay.IssuedAsync(total: 0);
        await Wait.UntilAsync("the queue is empty", async () => await pay.Bus.QueueLengthAsync("payment.receipt-issued") == 0);

        Assert.Equal("open", await pay.PayableStatusAsync(receipt));
        Assert.Equal("settled", await pay.PayableStatusAsync(nothing));
        Assert.Equal(0, Assert.Single(await pay.SettlementsAsync(nothing)).AmountMinor);
    }

    [Fact]
    public async Task An_admin_settles_by_hand_once_and_a_payment_that_comes_later_is_to_be_refunded()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string session = await pay.CheckoutAsync(receipt);
        string path = $"/api/v1/payments/receipts/{receipt.ReceiptId}/settle";
        using HttpClient alice = pay.Service.Client(TestCaller.User("alice"));
        using HttpClient admin = pay.Service.Client(TestCaller.Admin());
        var body = new { reason = "Bank transfer of 2026-11-20" };

        Assert.Equal(HttpStatusCode.Forbidden, (await alice.PostAsJsonAsync(path, body)).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.PostAsJsonAsync(path, new { reason = " " })).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await admin.PostAsJsonAsync($"/api/v1/payments/receipts/{Guid.CreateVersion7()}/settle", body)).StatusCode);
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => admin.PostAsJsonAsync(path, body)));
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.Conflict, HttpStatusCode.Conflict], answers.Select(a => a.StatusCode).Order());

        PaymentSettled settled = Assert.Single(await pay.SettlementsAsync(receipt));
        Assert.Equal("manual", settled.Provider);
        AuditRecorded act = await pay.ActAsync("payment.settled_manually", receipt);
        Assert.Equal(("admin", body.reason), (act.Actor, act.Details["reason"]));

        (await pay.DeliverAsync(Event.Succeeded(session))).Dispose();
        Assert.Equal("duplicate succeeded", await pay.PaymentStatusesAsync(receipt));
        await pay.ActAsync("payment.refund_needed", receipt);

        Assert.Equal(2, await CountAsync(admin, $"?receipt={receipt.ReceiptId}"));
        Assert.Equal(2, await CountAsync(alice, $"?receipt={receipt.ReceiptId}"));
        using HttpClient bob = pay.Service.Client(TestCaller.User("bob"));
        Assert.Equal(0, await CountAsync(bob, $"?receipt={receipt.ReceiptId}"));
    }

    [Fact]
    [Trait("Control", "DATA-02")]
    public async Task The_database_refuses_what_the_code_must_never_do()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string session = await pay.CheckoutAsync(receipt);
        (await pay.DeliverAsync(Event.Succeeded(session))).Dispose();
        string[] statements =
        [
            "UPDATE payments SET status = 'pending', finished_at = NULL", "UPDATE payments SET status = 'failed'", "UPDATE payments SET status = 'lost'",
            "UPDATE payables SET status = 'open', settled_at = NULL, settled_by = NULL", "UPDATE payables SET amount_minor = 1",
            "DELETE FROM payables", "UPDATE payments SET amount_minor = -1", "UPDATE payments SET currency = 'baht'",
        ];
        foreach (string statement in statements)
            await Assert.ThrowsAsync<Npgsql.PostgresException>(() => pay.Service.ExecuteAsync(statement));
        Assert.Equal(("settled", "succeeded"), (await pay.PayableStatusAsync(receipt), await pay.PaymentStatusesAsync(receipt)));
    }

    private static async Task<string> ThanksAsync(HttpClient browser, Guid payment)
    {
        using HttpResponseMessage page = await browser.GetAsync($"/payments/thanks?payment={payment}");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("try=1", page.Headers.GetValues("Refresh").Single(), StringComparison.Ordinal);
        return await page.Content.ReadAsStringAsync();
    }

    private Task<Guid> PaymentIdAsync(ReceiptIssued receipt) => pay.Service.ScalarAsync<Guid>(
        "SELECT id FROM payments WHERE receipt_id = @ReceiptId", new { receipt.ReceiptId });

    private static async Task<int> CountAsync(HttpClient client, string query) =>
        (await client.GetFromJsonAsync<JsonElement>("/api/v1/payments" + query)).GetProperty("items").GetArrayLength();
}
