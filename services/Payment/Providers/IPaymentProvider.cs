using HpcBilling.Payment.Domain;

namespace HpcBilling.Payment.Providers;

/// <summary>A hosted checkout: the payer's card or account is typed at the provider, never here.</summary>
internal interface IPaymentProvider
{
    /// <summary>Name in routes and tables: <c>dummy</c>.</summary>
    string Name { get; }

    /// <summary>Opens a checkout, or finds the one that was opened for the same payment before.</summary>
    /// <exception cref="HttpRequestException">The provider does not answer.</exception>
    Task<Checkout> CreateCheckoutAsync(CheckoutRequest request, CancellationToken cancellation);

    /// <summary>Checks that a call is the provider's and reads it.</summary>
    /// <param name="headers">The call's headers.</param>
    /// <param name="body">The bytes as they came, before anything parsed them.</param>
    /// <param name="now">Instant of the call.</param>
    WebhookReading ReadWebhook(IHeaderDictionary headers, ReadOnlySpan<byte> body, DateTimeOffset now);
}

/// <param name="OrgId">Tenant.</param>
/// <param name="PaymentId">The platform's payment; the provider's idempotency key.</param>
/// <param name="Description">What the payer sees beside the amount.</param>
/// <param name="Amount">To be paid, exactly.</param>
/// <param name="ReturnPath">Where the payer goes afterwards, below the platform's public address.</param>
internal sealed record CheckoutRequest(Guid OrgId, Guid PaymentId, string Description, Amount Amount, string ReturnPath);

/// <param name="Session">The provider's name for this checkout.</param>
/// <param name="Url">Where to send the payer.</param>
internal sealed record Checkout(string Session, string Url);

/// <summary>An authentic event in the platform's terms.</summary>
/// <param name="Id">The provider's id of the event; the same event may come again.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Session">The checkout that it is about.</param>
/// <param name="Reported">What was paid, by the provider's account.</param>
/// <param name="Payload">JSON to be stored, redacted.</param>
internal sealed record ProviderEvent(string Id, ProviderEventKind Kind, string Session, Amount Reported, string Payload);

/// <summary>What a call to the webhook was.</summary>
internal abstract record WebhookReading
{
    private WebhookReading() { }

    internal sealed record Authentic(ProviderEvent Event) : WebhookReading;

    /// <param name="Reason">For the record alone; the caller is not told.</param>
    internal sealed record Rejected(RejectionReason Reason) : WebhookReading;
}

internal enum RejectionReason
{
    Missing,
    Malformed,
    Stale,
    Wrong,

    /// <summary>Signed with a secret in force, yet not an event.</summary>
    Unreadable,
}
