using HpcBilling.Payment.Domain;
using HpcBilling.Payment.Providers;
using HpcBilling.Payment.Settling;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Payment.RequestingPayment;

/// <summary>What came of the wish to pay.</summary>
internal abstract record StartOutcome
{
    private StartOutcome() { }

    internal sealed record ToCheckout(string Url) : StartOutcome;

    /// <summary>Not this caller's, or not known here yet.</summary>
    internal sealed record NotFound : StartOutcome;

    internal sealed record AlreadySettled : StartOutcome;

    internal sealed record ProviderUnavailable : StartOutcome;
}

/// <summary>Opens a hosted checkout for a payable, or leads back to the one that is open.</summary>
internal sealed class StartPayment(Database database, ProviderDirectory providers, TimeProvider clock, ILogger<StartPayment> log)
{
    private const string PendingSql = """
        SELECT id, provider, checkout_url FROM payments WHERE org_id = @OrgId AND receipt_id = @ReceiptId AND status = 'pending'
        """;

    private const string CreateSql = """
        INSERT INTO payments (org_id, id, receipt_id, provider, amount_minor, currency, status, started_by, created_at)
        VALUES (@OrgId, @Id, @ReceiptId, @Provider, @AmountMinor, @Currency, 'pending', @StartedBy, @At)
        """;

    private const string AttachSql = """
        UPDATE payments SET session = @Session, checkout_url = @Url WHERE org_id = @OrgId AND id = @Id AND session IS NULL
        """;

    public async Task<StartOutcome> StartAsync(Guid receiptId, Caller caller, CancellationToken cancellation)
    {
        if (providers.Preferred is not { } preferred) return new StartOutcome.ProviderUnavailable();
        (StartOutcome? refused, Pending? pending, LockedPayable? payable) = await FindOrCreateAsync(receiptId, preferred.Name, caller, cancellation);
        if (refused is not null) return refused;
        if (pending!.CheckoutUrl is { } open) return new StartOutcome.ToCheckout(open);
        if (providers.Find(pending.Provider) is not { } provider) return new StartOutcome.ProviderUnavailable();

        // No transaction waits for the provider. A crash here leaves a payment without a checkout; the next start asks again under
        // the same payment id and gets the same checkout.
        try
        {
            Checkout checkout = await provider.CreateCheckoutAsync(
                new CheckoutRequest(caller.OrgId, pending.Id, payable!.Number, payable.Amount, $"/payments/thanks?payment={pending.Id}"), cancellation);
            await AttachAsync(caller.OrgId, pending.Id, checkout, cancellation);
            return new StartOutcome.ToCheckout(checkout.Url);
        }
        catch (HttpRequestException failure)
        {
            log.LogWarning("Provider {Provider} opened no checkout for payment {PaymentId}: {Reason}", provider.Name, pending.Id, failure.Message);
            return new StartOutcome.ProviderUnavailable();
        }
    }

    private async Task<(StartOutcome? Refused, Pending? Pending, LockedPayable? Payable)> FindOrCreateAsync(
        Guid receiptId, string provider, Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        LockedPayable? payable = await LockedPayable.FindAsync(transaction, receiptId, caller.Username, cancellation);
        if (payable is null) return (new StartOutcome.NotFound(), null, null);
        if (payable.Status == PayableStatus.Settled) return (new StartOutcome.AlreadySettled(), null, null);

        Pending? pending = await transaction.QuerySingleOrDefaultAsync<Pending>(PendingSql, new { caller.OrgId, ReceiptId = receiptId }, cancellation);
        if (pending is not null) return (null, pending, payable);

        DateTimeOffset at = Microseconds.Truncate(clock.GetUtcNow());
        pending = new Pending(Guid.CreateVersion7(at), provider, CheckoutUrl: null);
        await transaction.ExecuteAsync(
            CreateSql,
            new
            {
                caller.OrgId, pending.Id, ReceiptId = receiptId, Provider = provider, payable.AmountMinor, payable.Currency,
                StartedBy = caller.Username, At = at,
            },
            cancellation);
        await transaction.AuditAsync(
            caller.Act("payment.started", $"receipt:{payable.Number}", Settlement.Facts(payable, pending.Id, provider)), cancellation);
        await transaction.CommitAsync(cancellation);
        return (null, pending, payable);
    }

    private async Task AttachAsync(Guid orgId, Guid paymentId, Checkout checkout, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(orgId, cancellation);
        await transaction.ExecuteAsync(AttachSql, new { OrgId = orgId, Id = paymentId, checkout.Session, checkout.Url }, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private sealed record Pending(Guid Id, string Provider, string? CheckoutUrl);
}
