using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using HpcBilling.Contracts;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;

namespace HpcBilling.Service.Tests.Payment;

/// <summary>A running payment service, somebody who listens to it, and the moves of a payer and of the provider.</summary>
internal sealed partial class PayFixture : IAsyncDisposable
{
    public const string Secret = "a-webhook-secret-that-is-of-a-test-only";
    public const string PreviousSecret = "the-webhook-secret-before-of-a-test-only";
    public const long Total = 125_050;

    private static readonly string MasterKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));

    private PayFixture(RunningService service, BusProbe bus) => (Service, Bus) = (service, bus);

    public RunningService Service { get; }

    public BusProbe Bus { get; }

    public static async Task<PayFixture> StartAsync(Servers servers, string environment = "Development")
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["DOTNET_ENVIRONMENT"] = environment,
            ["DataProtection__MasterKey"] = MasterKey,
        };
        if (environment == "Development") settings["Payment__Dummy__WebhookSecret"] = Secret;
        RunningService service = await servers.StartServiceAsync("Payment", settings);
        return new PayFixture(service, await BusProbe.StartAsync(service, typeof(PaymentSettled), typeof(AuditRecorded)));
    }

    public static ReceiptIssued Receipt(string username = "alice", long total = Total) => new(
        Orgs.Default, Guid.CreateVersion7(), $"R-{RandomNumberGenerator.GetHexString(8)}", username, total, "THB", DateTimeOffset.UtcNow);

    /// <summary>A receipt that payment knows.</summary>
    public async Task<ReceiptIssued> IssuedAsync(string username = "alice", long total = Total)
    {
        ReceiptIssued receipt = Receipt(username, total);
        await Bus.PublishAsync(receipt);
        await Wait.UntilAsync("the payable is open", async () => await Service.ScalarAsync<long>(
            "SELECT count(*) FROM payables WHERE receipt_id = @ReceiptId", new { receipt.ReceiptId }) == 1);
        return receipt;
    }

    /// <summary>The session of a checkout that the owner has just opened.</summary>
    public async Task<string> CheckoutAsync(ReceiptIssued receipt)
    {
        using HttpResponseMessage response = await SubmitAsync($"/payments/receipt/{receipt.ReceiptId}/start", TestCaller.User(receipt.Username));
        Assert.Equal(HttpStatusCode.SeeOther, response.StatusCode);
        string location = response.Headers.Location!.OriginalString;
        Assert.StartsWith("/payments/dummy/", location, StringComparison.Ordinal);
        return location.Split('/')[^1];
    }

    /// <summary>Loads a page and sends its form, cookie and token included, as a browser behind the gateway's TLS does.</summary>
    public async Task<HttpResponseMessage> SubmitAsync(string path, TestCaller? caller, params (string Name, string Value)[] fields)
    {
        using HttpClient client = Browser(caller);
        using HttpResponseMessage page = await client.GetAsync(path);
        string html = await page.Content.ReadAsStringAsync();
        Assert.True(page.IsSuccessStatusCode, $"{page.StatusCode}: {html}");
        string cookie = page.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("__Host-csrf=", cookie, StringComparison.Ordinal);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);

        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
        var form = fields.Append((Name: "__csrf", Value: CsrfField().Match(html).Groups["value"].Value));
        using var content = new FormUrlEncodedContent(form.Select(field => new KeyValuePair<string, string>(field.Name, field.Value)));
        return await client.PostAsync(path, content);
    }

    /// <summary>A client that follows no redirect and says, as the gateway would, that the visitor came by HTTPS.</summary>
    public HttpClient Browser(TestCaller? caller)
    {
        using HttpClient plain = Service.Client(caller);
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Service.Address };
        client.DefaultRequestHeaders.Authorization = plain.DefaultRequestHeaders.Authorization;
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        client.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        return client;
    }

    /// <summary>Calls the webhook as the provider, or as somebody who would like to be taken for it.</summary>
    public Task<HttpResponseMessage> DeliverAsync(Event e, string secret = Secret, int secondsAgo = 0) =>
        DeliverAsync(e.Body, Sign(e.Body, secret, DateTimeOffset.UtcNow.AddSeconds(-secondsAgo)));

    public async Task<HttpResponseMessage> DeliverAsync(byte[] body, string? signature)
    {
        using HttpClient client = Service.Client(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/payments/webhook/dummy") { Content = new ByteArrayContent(body) };
        if (signature is not null) request.Headers.TryAddWithoutValidation("Webhook-Signature", signature);
        return await client.SendAsync(request);
    }

    public static string Sign(byte[] body, string secret, DateTimeOffset at)
    {
        string timestamp = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.ASCII.GetBytes(timestamp + "."), .. body];
        return $"t={timestamp},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed))}";
    }

    public Task<string> PayableStatusAsync(ReceiptIssued receipt) => Service.ScalarAsync<string>(
        "SELECT status FROM payables WHERE receipt_id = @ReceiptId", new { receipt.ReceiptId });

    public async Task<string> PaymentStatusesAsync(ReceiptIssued receipt) => string.Join(' ', await Service.QueryAsync<string>(
        "SELECT status FROM payments WHERE receipt_id = @ReceiptId ORDER BY status", new { receipt.ReceiptId }));

    /// <summary>Waits until everything was said, and gives what was said of the receipt.</summary>
    public async Task<IReadOnlyList<PaymentSettled>> SettlementsAsync(ReceiptIssued receipt)
    {
        await Wait.UntilAsync("the outbox is empty", async () => await Service.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0);
        long said = await Service.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE kind = 'PaymentSettled'");
        await Wait.UntilAsync("what was said is heard", () => Task.FromResult(Bus.Heard<PaymentSettled>().Count >= said));
        return [.. Bus.Heard<PaymentSettled>().Where(settled => settled.ReceiptId == receipt.ReceiptId)];
    }

    /// <summary>Waits for an act about the receipt.</summary>
    public Task<AuditRecorded> ActAsync(string action, ReceiptIssued receipt) => Wait.ForAsync($"{action} is on record", () => Task.FromResult(
        Bus.Heard<AuditRecorded>().FirstOrDefault(act => act.Action == action && act.Subject == $"receipt:{receipt.Number}")));

    public async ValueTask DisposeAsync()
    {
        await Bus.DisposeAsync();
        await Service.DisposeAsync();
    }

    [GeneratedRegex("""name="__csrf"[^>]*value="(?<value>[^"]+)""", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex CsrfField();
}

/// <summary>One service for the tests of a class that neither stop nor configure it; each works on receipts of its own.</summary>
public sealed class SharedPayment(Servers servers) : IAsyncLifetime
{
    internal PayFixture Pay { get; private set; } = null!;

    public async Task InitializeAsync() => Pay = await PayFixture.StartAsync(servers);

    public Task DisposeAsync() => Pay.DisposeAsync().AsTask();
}

/// <summary>An event of the dummy provider.</summary>
internal sealed record Event(string Id, string Type, string Session, long AmountMinor = PayFixture.Total, string Currency = "THB")
{
    public static Event Succeeded(string session) => new("evt_" + Guid.CreateVersion7().ToString("N"), "payment.succeeded", session);

    public static Event Failed(string session) => new("evt_" + Guid.CreateVersion7().ToString("N"), "payment.failed", session);

    public byte[] Body => JsonSerializer.SerializeToUtf8Bytes(
        new { id = Id, type = Type, session = Session, amountMinor = AmountMinor, currency = Currency, created = "2026-11-22T12:00:00Z", email = "payer@example.org" },
        JsonSerializerOptions.Web);
}
