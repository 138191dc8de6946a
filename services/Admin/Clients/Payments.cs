using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Payments of receipts.</summary>
public sealed class Payments(ServiceApi api)
{
    private const string Service = "payment";

    /// <summary>Settles a receipt that was paid elsewhere; the reason is kept in the audit log.</summary>
    public Task<Answer<Settlement>> SettleAsync(Guid receiptId, string? reason, CancellationToken ct) =>
        api.SendAsync<Settlement>(Service, HttpMethod.Post, $"/api/v1/payments/receipts/{receiptId}/settle", new { reason }, ct);
}

/// <summary>What the payment service said of a settlement; the receipt follows once rating has heard of it.</summary>
public sealed record Settlement(Guid? PaymentId);
