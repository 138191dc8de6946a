using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;

namespace HpcBilling.Service.Tests.Messaging;

[Collection(nameof(Servers))]
public sealed class OutboxAndInboxTests(Servers servers)
{
    private const int Messages = 120;

    [Theory]
    [InlineData("publishing")] // between the commit and the first publish
    [InlineData("published")] // between the broker's confirmation and the mark
    [InlineData("consumed")] // in the consumer, before its commit
    [InlineData("committed")] // in the consumer, between its commit and the acknowledgement
    public async Task A_crash_at_any_moment_loses_no_message_and_repeats_no_effect(string moment)
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        probe.Settings["Crash__At"] = moment;
        probe.Settings["Crash__Nth"] = "40";
        await probe.StartAsync();
        await SayAsync(probe, Messages);
        await probe.ExitedAsync();

        probe.Settings.Remove("Crash__At");
        await probe.StartAsync();
        await AllTookEffectOnceAsync(probe, Messages);
    }

    [Fact]
    public async Task What_is_rolled_back_is_never_said()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        (await client.PostAsync("/say?count=5&rollback=true", null)).EnsureSuccessStatusCode();
        await SayAsync(probe, 1);
        await AllTookEffectOnceAsync(probe, 1);
        Assert.Equal(1, await probe.ScalarAsync<long>("SELECT count(*) FROM outbox"));
    }

    [Fact]
    public async Task A_NUL_in_a_text_does_not_undo_the_transaction_that_says_it()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        using HttpClient client = probe.Client(null);
        (await client.PostAsync("/say?count=1&provider=hos%00tile", null)).EnsureSuccessStatusCode();
        await AllTookEffectOnceAsync(probe, 1);
        Assert.Equal("hos\uFFFDtile", await probe.ScalarAsync<string>("SELECT body->>'provider' FROM outbox"));
    }

    [Fact]
    public async Task What_is_said_before_anybody_ever_listened_is_kept_until_somebody_does()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        probe.Settings["Deaf"] = "true";
        await probe.StartAsync();
        await SayAsync(probe, 5);
        await Wait.UntilAsync("the relay has tried", () => Task.FromResult(probe.Log.Contains("5 messages were not taken", StringComparison.Ordinal)));
        Assert.Equal(5, await probe.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE sent_at IS NULL"));

        probe.Settings.Remove("Deaf");
        await probe.RestartAsync();
        await AllTookEffectOnceAsync(probe, 5);
    }

    [Fact]
    public async Task A_message_delivered_twice_takes_effect_once()
    {
        await using RunningService probe = await servers.StartServiceAsync("MessagingProbe");
        await using BusProbe bus = await BusProbe.StartAsync(probe);
        var messages = Enumerable.Range(0, 50).Select(_ => (Id: Guid.CreateVersion7(), Message: Settled("test"))).ToList();
        foreach (var (id, message) in messages) await bus.PublishAsync(message, id);
        foreach (var (id, message) in Enumerable.Reverse(messages)) await bus.PublishAsync(message, id);
        await AllTookEffectOnceAsync(probe, 50);
        await Wait.UntilAsync("the queue is empty", async () => await bus.QueueLengthAsync("probe.payment-settled") == 0);
        await AllTookEffectOnceAsync(probe, 50);
    }

    [Fact]
    public async Task A_message_that_can_never_be_handled_is_dead_lettered_and_blocks_no_other()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        probe.Settings["Messaging__RetriesMax"] = "2";
        await probe.StartAsync();
        await using BusProbe bus = await BusProbe.StartAsync(probe);
        await bus.PublishAsync(Settled("poison"));
        for (int i = 0; i < 20; i++) await bus.PublishAsync(Settled("test"));
        await AllTookEffectOnceAsync(probe, 20);
        await Wait.UntilAsync("the poison is in the dead letter queue", async () => await bus.QueueLengthAsync("probe.payment-settled_error") == 1);
    }

    private static PaymentSettled Settled(string provider) =>
        new(Orgs.Default, Guid.CreateVersion7(), Guid.CreateVersion7(), provider, 1, "EUR", DateTimeOffset.UnixEpoch);

    private static async Task SayAsync(RunningService probe, int count)
    {
        using HttpClient client = probe.Client(null);
        try
        {
            (await client.PostAsync($"/say?count={count}", null)).EnsureSuccessStatusCode();
        }
        catch (HttpRequestException)
        {
            // The process may crash before it has answered; the transaction is committed by then.
        }
    }

    private static async Task AllTookEffectOnceAsync(RunningService probe, int count)
    {
        await Wait.UntilAsync($"{count} effects", async () => await probe.ScalarAsync<long>("SELECT count(*) FROM effects") >= count);
        Assert.Equal(count, await probe.ScalarAsync<long>("SELECT count(*) FROM effects"));
        Assert.Equal(0, await probe.ScalarAsync<long>("SELECT count(*) FROM effects WHERE settled <> 1"));
        await Wait.UntilAsync("the outbox is drained", async () => await probe.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0);
        Assert.Equal(0, await probe.ScalarAsync<long>("SELECT count(*) FROM effects WHERE settled <> 1"));
    }
}
