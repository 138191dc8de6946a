using System.Net;
using System.Text;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Payment;

[Collection(nameof(Servers))]
public sealed class WebhookTests(Servers servers, SharedPayment shared) : IClassFixture<SharedPayment>
{
    private readonly PayFixture pay = shared.Pay;

    [Fact]
    [Trait("Control", "PAY-04")]
    public async Task A_success_settles_payment_and_payable_and_says_so_once()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string session = await pay.CheckoutAsync(receipt);
        Assert.Equal(("open", "pending"), (await pay.PayableStatusAsync(receipt), await pay.PaymentStatusesAsync(receipt)));

        using HttpResponseMessage answer = await pay.DeliverAsync(Event.Succeeded(session));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("settled", "succeeded"), (await pay.PayableStatusAsync(receipt), await pay.PaymentStatusesAsync(receipt)));
        PaymentSettled settled = Assert.Single(await pay.SettlementsAsync(receipt));
        Assert.Equal(("dummy", PayFixture.Total, "THB"), (settled.Provider, settled.AmountMinor, settled.Currency));
        Assert.Equal("provider:dummy", (await pay.ActAsync("payment.settled", receipt)).Actor);
        Assert.Equal("settled", (await pay.ActAsync("webhook.verdict", receipt)).Details["verdict"]);
    }

    [Fact]
    [Trait("Control", "PAY-03")]
    public async Task A_replayed_webhook_settles_nothing_twice()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        Event success = Event.Succeeded(await pay.CheckoutAsync(receipt));
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage answer = await pay.DeliverAsync(success);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Single(await pay.SettlementsAsync(receipt));
        Assert.Equal(1, await EventsAsync(success));
    }

    [Fact]
    [Trait("Control", "PAY-02")]
    public async Task Another_amount_or_currency_changes_nothing_and_is_on_record()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string session = await pay.CheckoutAsync(receipt);
        foreach (Event wrong in (Event[])[
            Event.Succeeded(session) with { AmountMinor = PayFixture.Total - 1 }, Event.Succeeded(session) with { Currency = "USD" }])
        {
            using HttpResponseMessage answer = await pay.DeliverAsync(wrong);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("amount_mismatch", await VerdictAsync(wrong));
        }

        Assert.Equal(("open", "pending"), (await pay.PayableStatusAsync(receipt), await pay.PaymentStatusesAsync(receipt)));
        Assert.Empty(await pay.SettlementsAsync(receipt));
        Assert.Equal("amount_mismatch", (await pay.ActAsync("webhook.verdict", receipt)).Details["verdict"]);

        using HttpResponseMessage right = await pay.DeliverAsync(Event.Succeeded(session));
        Assert.Equal("settled", await pay.PayableStatusAsync(receipt));
    }

    [Fact]
    [Trait("Control", "PAY-01")]
    [Trait("Control", "PAY-05")]
    public async Task A_call_without_a_good_signature_changes_nothing_learns_nothing_and_leaves_a_bounded_trace()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        Event success = Event.Succeeded(await pay.CheckoutAsync(receipt));
        byte[] body = success.Body;
        string good = PayFixture.Sign(body, PayFixture.Secret, DateTimeOffset.UtcNow);
        (byte[] Body, string? Signature)[] calls =
        [
            (body, null),
            (body, "t=1,v1=zz"),
            (body, PayFixture.Sign(body, PayFixture.PreviousSecret, DateTimeOffset.UtcNow)),
            (body, PayFixture.Sign(body, PayFixture.Secret, DateTimeOffset.UtcNow.AddSeconds(-301))),
            (body, PayFixture.Sign(body, PayFixture.Secret, DateTimeOffset.UtcNow.AddSeconds(310))),
            ([.. body, (byte)' '], good),
            ("[]"u8.ToArray(), PayFixture.Sign("[]"u8.ToArray(), PayFixture.Secret, DateTimeOffset.UtcNow)),
        ];

        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach ((byte[] sent, string? signature) in calls)
        {
            using HttpResponseMessage answer = await pay.DeliverAsync(sent, signature);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            string text = await answer.Content.ReadAsStringAsync();
            answers.Add(text[..text.IndexOf("traceId", StringComparison.Ordinal)]);
        }

        Assert.Single(answers);
        Assert.Equal(("open", "pending"), (await pay.PayableStatusAsync(receipt), await pay.PaymentStatusesAsync(receipt)));
        Assert.Empty(await pay.SettlementsAsync(receipt));
        Assert.Equal(0, await EventsAsync(success));
        Assert.Equal(calls.Length, await pay.Service.ScalarAsync<long>("SELECT sum(calls)::bigint FROM webhook_rejections"));
        Assert.DoesNotContain(PayFixture.Secret, pay.Service.Log, StringComparison.Ordinal);

        for (int i = 0; i < 60; i++) (await pay.DeliverAsync(body, "nonsense")).Dispose();
        long entries = await pay.Service.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE kind = 'AuditRecorded' AND body -> 'details' ->> 'verdict' = 'rejected'");
        Assert.InRange(entries, 5, 16); // at 1, 10, 100 … calls of a minute and reason
    }

    [Fact]
    [Trait("Control", "PAY-06")]
    public async Task Two_secrets_are_in_force_during_a_rotation()
    {
        await using PayFixture own = await PayFixture.StartAsync(servers);
        ReceiptIssued receipt = await own.IssuedAsync();
        Event success = Event.Succeeded(await own.CheckoutAsync(receipt));
        using (HttpResponseMessage before = await own.DeliverAsync(success, PayFixture.PreviousSecret))
            Assert.Equal(HttpStatusCode.BadRequest, before.StatusCode);

        own.Service.Settings["Payment__Dummy__WebhookSecretPrevious"] = PayFixture.PreviousSecret;
        await own.Service.RestartAsync();
        using HttpResponseMessage during = await own.DeliverAsync(success, PayFixture.PreviousSecret);
        Assert.Equal(HttpStatusCode.OK, during.StatusCode);
        Assert.Equal("settled", await own.PayableStatusAsync(receipt));
    }

    [Fact]
    [Trait("Control", "PAY-08")]
    public async Task The_stored_payload_holds_only_the_fields_that_are_acted_on()
    {
        string session = await pay.CheckoutAsync(await pay.IssuedAsync());
        (await pay.DeliverAsync(Event.Succeeded(session))).Dispose();
        string payload = await pay.Service.ScalarAsync<string>("SELECT payload::text FROM webhook_events WHERE payload ->> 'session' = @session", new { session });
        Assert.Contains(session, payload, StringComparison.Ordinal);
        Assert.DoesNotContain("payer@example.org", payload, StringComparison.Ordinal);
        Assert.Contains("[redacted]", payload, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "WEB-08")]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        byte[] body = Encoding.ASCII.GetBytes(new string(' ', (64 * 1024) + 1));
        using HttpResponseMessage answer = await pay.DeliverAsync(body, PayFixture.Sign(body, PayFixture.Secret, DateTimeOffset.UtcNow));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task An_event_about_an_unknown_checkout_is_kept_and_changes_nothing()
    {
        Event unknown = Event.Succeeded("ds_of_somebody_else");
        using HttpResponseMessage answer = await pay.DeliverAsync(unknown);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("unknown_session", await VerdictAsync(unknown));
    }

    [Fact]
    [Trait("Control", "PAY-09")]
    public async Task Concurrent_and_shuffled_deliveries_settle_exactly_once()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string session = await pay.CheckoutAsync(receipt);
        Event[] events = [Event.Succeeded(session), Event.Succeeded(session), Event.Failed(session), Event.Failed(session)];

        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).SelectMany(_ => events).Select(e => pay.DeliverAsync(e)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(("settled", "succeeded"), (await pay.PayableStatusAsync(receipt), await pay.PaymentStatusesAsync(receipt)));
        Assert.Single(await pay.SettlementsAsync(receipt));
        Assert.Equal(events.Length, await EventsAsync(events));
    }

    [Fact]
    [Trait("Control", "PAY-09")]
    public async Task Of_two_payments_that_both_succeed_one_settles_and_the_other_is_to_be_refunded()
    {
        ReceiptIssued receipt = await pay.IssuedAsync();
        string first = await pay.CheckoutAsync(receipt);
        (await pay.DeliverAsync(Event.Failed(first))).Dispose();
        string second = await pay.CheckoutAsync(receipt);
        Assert.NotEqual(first, second);

        HttpResponseMessage[] answers = await Task.WhenAll(pay.DeliverAsync(Event.Succeeded(first)), pay.DeliverAsync(Event.Succeeded(second)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal("duplicate succeeded", await pay.PaymentStatusesAsync(receipt));
        Assert.Single(await pay.SettlementsAsync(receipt));
        Assert.Equal("provider:dummy", (await pay.ActAsync("payment.refund_needed", receipt)).Actor);
    }

    [Fact]
    [Trait("Control", "PAY-04")]
    public async Task A_kill_between_the_webhook_and_the_outbox_loses_no_settlement()
    {
        await using PayFixture own = await PayFixture.StartAsync(servers);
        ReceiptIssued receipt = await own.IssuedAsync();
        string session = await own.CheckoutAsync(receipt);
        string broker = own.Service.Settings["ConnectionStrings__rabbitmq"];

        // Without a broker the settlement stays in the outbox for certain, which is where the kill finds it.
        own.Service.Settings["ConnectionStrings__rabbitmq"] = $"amqp://test:test@127.0.0.1:{Servers.FreePort()}/none";
        await own.Service.KillAsync();
        await StartUnreadyAsync(own.Service);
        (await own.DeliverAsync(Event.Succeeded(session))).EnsureSuccessStatusCode();
        await own.Service.KillAsync();
        Assert.Equal("settled", await own.PayableStatusAsync(receipt));
        Assert.Equal(1, await own.Service.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE kind = 'PaymentSettled' AND sent_at IS NULL"));

        own.Service.Settings["ConnectionStrings__rabbitmq"] = broker;
        await own.Service.StartAsync();
        Assert.Single(await own.SettlementsAsync(receipt));
    }

    [Fact]
    [Trait("Control", "PAY-06")]
    public async Task Outside_Development_there_is_no_dummy_provider()
    {
        await using PayFixture own = await PayFixture.StartAsync(servers, "Production");
        ReceiptIssued receipt = await own.IssuedAsync();
        using HttpResponseMessage webhook = await own.DeliverAsync(Event.Succeeded("ds_x"));
        Assert.Equal(HttpStatusCode.NotFound, webhook.StatusCode);

        using HttpClient browser = own.Browser(TestCaller.User("alice"));
        using HttpResponseMessage page = await browser.GetAsync("/payments/dummy/ds_x");
        Assert.Equal(HttpStatusCode.NotFound, page.StatusCode);
        string start = await browser.GetStringAsync($"/payments/receipt/{receipt.ReceiptId}/start");
        Assert.Contains("takes no payments online", start, StringComparison.Ordinal);
    }

    private Task<long> EventsAsync(params Event[] events) => pay.Service.ScalarAsync<long>(
        "SELECT count(*) FROM webhook_events WHERE external_event_id = ANY(@Ids)", new { Ids = events.Select(e => e.Id).ToArray() });

    private Task<string> VerdictAsync(Event e) => pay.Service.ScalarAsync<string>(
        "SELECT verdict FROM webhook_events WHERE external_event_id = @Id", new { e.Id });

    // Readiness waits for the broker; the webhook does not.
    private static async Task StartUnreadyAsync(RunningService service)
    {
        Task starting = service.StartAsync();
        using HttpClient client = new();
        await Wait.UntilAsync("the process answers", async () => (await client.GetAsync(new Uri(service.Address, "/healthz"))).IsSuccessStatusCode);
        _ = starting.ContinueWith(failed => failed.Exception, TaskScheduler.Default);
    }
}
