using System.Security.Cryptography;
using System.Text.Json;
using HpcBilling.Payment.Domain;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Payment.Providers.Dummy;

/// <summary>A provider without money, for Development: its hosted page has a button to pay and one to decline.</summary>
internal sealed class DummyProvider(Database database, IOptions<DummyOptions> options) : IPaymentProvider
{
    private const int SessionHexDigits = 40;
    private const int TextCharsMax = 200;

    private const string OpenSql = """
        INSERT INTO dummy_checkouts (org_id, session, payment_id, description, amount_minor, currency, return_path)
        VALUES (@OrgId, @Session, @PaymentId, @Description, @Minor, @Currency, @ReturnPath)
        ON CONFLICT (payment_id) DO NOTHING
        """;

    private const string FindSql = "SELECT session FROM dummy_checkouts WHERE payment_id = @PaymentId";

    public string Name => "dummy";

    public async Task<Checkout> CreateCheckoutAsync(CheckoutRequest request, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(request.OrgId, cancellation);
        var row = new
        {
            request.OrgId, Session = "ds_" + RandomNumberGenerator.GetHexString(SessionHexDigits, lowercase: true), request.PaymentId,
            request.Description, request.Amount.Minor, request.Amount.Currency, request.ReturnPath,
        };
        await transaction.ExecuteAsync(OpenSql, row, cancellation);
        string session = await transaction.ExecuteScalarAsync<string>(FindSql, new { request.PaymentId }, cancellation)
            ?? throw new InvalidOperationException($"The checkout of payment {request.PaymentId} is gone.");
        await transaction.CommitAsync(cancellation);
        return new Checkout(session, "/payments/dummy/" + session);
    }

    public WebhookReading ReadWebhook(IHeaderDictionary headers, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        SignatureVerdict verdict = WebhookSignature.Verify(headers[WebhookSignature.Header], body, options.Value.SecretsInForce, now);
        return verdict switch
        {
            SignatureVerdict.Valid => Read(body),
            SignatureVerdict.Missing => new WebhookReading.Rejected(RejectionReason.Missing),
            SignatureVerdict.Malformed => new WebhookReading.Rejected(RejectionReason.Malformed),
            SignatureVerdict.Stale => new WebhookReading.Rejected(RejectionReason.Stale),
            _ => new WebhookReading.Rejected(RejectionReason.Wrong),
        };
    }

    private static WebhookReading Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            JsonElement payload = document.RootElement;
            DummyEvent? e = payload.Deserialize<DummyEvent>(JsonSerializerOptions.Web);
            if (e is null || !IsText(e.Id) || !IsText(e.Session) || e.AmountMinor is null || !IsText(e.Currency))
                return new WebhookReading.Rejected(RejectionReason.Unreadable);

            ProviderEventKind kind = e.Type switch
            {
                DummyEvent.Succeeded => ProviderEventKind.Succeeded,
                DummyEvent.Failed => ProviderEventKind.Failed,
                _ => ProviderEventKind.Other,
            };
            return new WebhookReading.Authentic(
                new ProviderEvent(e.Id, kind, e.Session, new Amount(e.AmountMinor.Value, e.Currency), RedactedPayload.Of(payload)));
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return new WebhookReading.Rejected(RejectionReason.Unreadable);
        }
    }

    private static bool IsText([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text) =>
        text is { Length: > 0 and <= TextCharsMax } && !text.Contains('\0');
}

/// <summary>What the dummy provider sends; the wire shape of <c>docs/flow.md</c>.</summary>
internal sealed record DummyEvent(string? Id, string? Type, string? Session, long? AmountMinor, string? Currency, DateTimeOffset? Created)
{
    public const string Succeeded = "payment.succeeded";
    public const string Failed = "payment.failed";
}
