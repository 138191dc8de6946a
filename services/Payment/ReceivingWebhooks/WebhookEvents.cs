using System.Globalization;
using HpcBilling.Payment.Domain;
using HpcBilling.Payment.Providers;
using HpcBilling.Payment.Settling;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Payment.ReceivingWebhooks;

/// <summary>Takes an authentic event: claim, decide, write, enqueue, commit, in one transaction.</summary>
internal sealed class WebhookEvents(Database database, TimeProvider clock, ILogger<WebhookEvents> log)
{
    private const string FindPaymentSql = "SELECT org_id, id, receipt_id FROM payments WHERE provider = @Provider AND session = @Session";

    // Of deliveries of the same event at the same time all but one wait here, and then find the row.
    private const string ClaimSql = """
        INSERT INTO webhook_events (org_id, provider, external_event_id, payment_id, payload, body_sha256, received_at)
        VALUES (@OrgId, @Provider, @EventId, @PaymentId, @Payload::jsonb, @BodySha256, @At)
        ON CONFLICT (provider, external_event_id) DO NOTHING
        """;

    private const string PaymentSql = "SELECT amount_minor, currency, status FROM payments WHERE org_id = @OrgId AND id = @Id FOR UPDATE";

    private const string MoveSql = "UPDATE payments SET status = @Status, finished_at = @At WHERE org_id = @OrgId AND id = @Id";

    private const string VerdictSql = "UPDATE webhook_events SET verdict = @Verdict WHERE provider = @Provider AND external_event_id = @EventId";

    public async Task ApplyAsync(string provider, ProviderEvent e, string bodySha256, CancellationToken cancellation)
    {
        DateTimeOffset at = Microseconds.Truncate(clock.GetUtcNow());
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        PaymentKey? key = await transaction.QuerySingleOrDefaultAsync<PaymentKey>(FindPaymentSql, new { Provider = provider, e.Session }, cancellation);

        // An event about nothing that we opened belongs to no tenant; the installation's own org keeps it.
        await transaction.EnterOrgAsync(key?.OrgId ?? Orgs.Default, cancellation);
        var claim = new { transaction.OrgId, Provider = provider, EventId = e.Id, PaymentId = key?.Id, e.Payload, BodySha256 = bodySha256, At = at };
        if (await transaction.ExecuteAsync(ClaimSql, claim, cancellation) == 0)
        {
            PaymentMetrics.CountVerdict(provider, "replayed");
            return;
        }

        string verdict = key is null
            ? await RecordUnknownAsync(transaction, provider, e, cancellation)
            : await DecideAsync(transaction, provider, e, key, at, cancellation);
        await transaction.ExecuteAsync(VerdictSql, new { Verdict = verdict, Provider = provider, EventId = e.Id }, cancellation);
        await transaction.CommitAsync(cancellation);
        PaymentMetrics.CountVerdict(provider, verdict);
    }

    private static async Task<string> RecordUnknownAsync(OrgTransaction transaction, string provider, ProviderEvent e, CancellationToken cancellation)
    {
        const string verdict = "unknown_session";
        var facts = new Dictionary<string, string>(StringComparer.Ordinal) { ["verdict"] = verdict, ["eventId"] = e.Id };
        await transaction.AuditAsync(new AuditAct($"provider:{provider}", "webhook.verdict", $"provider:{provider}", facts), cancellation);
        return verdict;
    }

    private async Task<string> DecideAsync(
        OrgTransaction transaction, string provider, ProviderEvent e, PaymentKey key, DateTimeOffset at, CancellationToken cancellation)
    {
        LockedPayable payable = await LockedPayable.FindAsync(transaction, key.ReceiptId, owner: null, cancellation)
            ?? throw new InvalidOperationException($"Payment {key.Id} has no payable.");
        PaymentRow payment = await transaction.QuerySingleOrDefaultAsync<PaymentRow>(PaymentSql, key, cancellation)
            ?? throw new InvalidOperationException($"Payment {key.Id} is gone.");

        WebhookDecision decision = PaymentState.Decide(
            payment.Status, payable.Status, new Amount(payment.AmountMinor, payment.Currency), e.Kind, e.Reported);
        string actor = $"provider:{provider}";
        string subject = $"receipt:{payable.Number}";
        Dictionary<string, string> facts = Settlement.Facts(payable, key.Id, provider);
        facts["eventId"] = e.Id;

        string verdict;
        switch (decision)
        {
            case WebhookDecision.Settle:
                verdict = "settled";
                await MoveAsync(transaction, key, "succeeded", at, cancellation);
                await Settlement.CompleteAsync(
                    transaction, payable, key.Id, provider, at, new AuditAct(actor, "payment.settled", subject, facts), cancellation);
                break;
            case WebhookDecision.Refund:
                verdict = "refund_needed";
                await MoveAsync(transaction, key, "duplicate", at, cancellation);
                await transaction.AuditAsync(new AuditAct(actor, "payment.refund_needed", subject, facts), cancellation);
                log.LogError("Receipt {Number} was paid twice: payment {PaymentId} has to be refunded", payable.Number, key.Id);
                break;
            case WebhookDecision.Fail:
                verdict = "failed";
                await MoveAsync(transaction, key, "failed", at, cancellation);
                await transaction.AuditAsync(new AuditAct(actor, "payment.failed", subject, facts), cancellation);
                break;
            case WebhookDecision.Mismatch mismatch:
                verdict = "amount_mismatch";
                facts["reportedMinor"] = mismatch.Reported.Minor.ToString(CultureInfo.InvariantCulture);
                facts["reportedCurrency"] = mismatch.Reported.Currency;
                log.LogError("Provider {Provider} reported another amount for payment {PaymentId} than was agreed", provider, key.Id);
                break;
            case WebhookDecision.NoChange noChange:
                verdict = "no_change";
                facts["reason"] = noChange.Reason;
                break;
            default:
                throw new InvalidOperationException($"No such decision: {decision.GetType().Name}");
        }

        facts["verdict"] = verdict;
        await transaction.AuditAsync(new AuditAct(actor, "webhook.verdict", subject, facts), cancellation);
        return verdict;
    }

    private static async Task MoveAsync(OrgTransaction transaction, PaymentKey key, string status, DateTimeOffset at, CancellationToken cancellation)
    {
        if (await transaction.ExecuteAsync(MoveSql, new { key.OrgId, key.Id, Status = status, At = at }, cancellation) != 1)
            throw new InvalidOperationException($"Payment {key.Id} is gone although it was locked.");
    }

    private sealed record PaymentKey(Guid OrgId, Guid Id, Guid ReceiptId);

    private sealed record PaymentRow(long AmountMinor, string Currency, PaymentStatus Status);
}
