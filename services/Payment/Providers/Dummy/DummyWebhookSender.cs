using System.Text.Json;
using HpcBilling.Payment.Domain;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace HpcBilling.Payment.Providers.Dummy;

/// <summary>Calls the platform's webhook over HTTP, as a provider does; what is not taken is sent again, with growing pauses.</summary>
internal sealed class DummyWebhookSender(
    DummyCheckouts checkouts, IHttpClientFactory clients, IOptions<DummyOptions> options, IServer server, TimeProvider clock,
    ILogger<DummyWebhookSender> log) : BackgroundService
{
    public const string Client = "dummy-webhook";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Sends the checkout's event now, so that the payer returns to a settled receipt; when that fails the loop sends it later.</summary>
    public async Task TrySendAsync(string session, CancellationToken cancellation)
    {
        if (await checkouts.ClaimDeliveryAsync(session, cancellation) is { } delivery) await SendAsync(delivery, cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await checkouts.ClaimDeliveryAsync(session: null, stoppingToken) is { } delivery) await SendAsync(delivery, stoppingToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning("The dummy provider could not look for events to send: {Reason}", failure.Message);
            }
        }
    }

    private async Task SendAsync(DummyDelivery delivery, CancellationToken cancellation)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(
            new DummyEvent(delivery.EventId, delivery.EventType, delivery.Session, delivery.AmountMinor, delivery.Currency, delivery.DecidedAt),
            JsonSerializerOptions.Web);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, WebhookUrl()) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new("application/json");
            request.Headers.Add(WebhookSignature.Header, WebhookSignature.Sign(options.Value.WebhookSecret, clock.GetUtcNow(), body));
            using HttpClient client = clients.CreateClient(Client);
            using HttpResponseMessage response = await client.SendAsync(request, cancellation);
            if (response.IsSuccessStatusCode) await checkouts.MarkDeliveredAsync(delivery.Session, cancellation);
            else log.LogWarning("The webhook answered {Status} to event {EventId}; it is sent again", (int)response.StatusCode, delivery.EventId);
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            log.LogWarning("The webhook did not take event {EventId}, which is sent again: {Reason}", delivery.EventId, failure.Message);
        }
    }

    private Uri WebhookUrl()
    {
        if (options.Value.WebhookUrl is { } configured) return configured;
        string address = server.Features.Get<IServerAddressesFeature>()?.Addresses
            .OrderBy(a => a.StartsWith("https:", StringComparison.OrdinalIgnoreCase)).FirstOrDefault()
            ?? throw new HttpRequestException("the service listens nowhere yet");
        BindingAddress own = BindingAddress.Parse(address);
        string host = own.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "localhost" : own.Host;
        return new Uri($"{own.Scheme}://{host}:{own.Port}/payments/webhook/dummy");
    }
}
