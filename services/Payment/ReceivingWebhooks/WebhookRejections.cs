using System.Globalization;
using HpcBilling.Payment.Providers;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Payment.ReceivingWebhooks;

/// <summary>Refused calls leave a trace, and a flood of them no flood of traces: a row a minute and reason, an audit entry at 1, 10, 100 … calls.</summary>
internal sealed class WebhookRejections(Database database, TimeProvider clock)
{
    private const string CountSql = """
        INSERT INTO webhook_rejections (org_id, provider, minute, reason) VALUES (@OrgId, @Provider, date_trunc('minute', @At), @Reason)
        ON CONFLICT (org_id, provider, minute, reason) DO UPDATE SET calls = webhook_rejections.calls + 1
        RETURNING calls
        """;

    public async Task RecordAsync(string provider, RejectionReason reason, string? ipAddress, CancellationToken cancellation)
    {
        string word = Word(reason);
        PaymentMetrics.CountVerdict(provider, "rejected_" + word);

        // Who calls without a signature names no tenant; the installation's own org keeps the record.
        await using OrgTransaction transaction = await database.BeginAsync(Orgs.Default, cancellation);
        long calls = await transaction.ExecuteScalarAsync<long>(
            CountSql, new { transaction.OrgId, Provider = provider, At = clock.GetUtcNow(), Reason = word }, cancellation);
        if (IsPowerOfTen(calls))
        {
            var facts = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["verdict"] = "rejected",
                ["reason"] = word,
                ["callsThisMinute"] = calls.ToString(CultureInfo.InvariantCulture),
            };
            await transaction.AuditAsync(new AuditAct("system", "webhook.verdict", $"provider:{provider}", facts, ipAddress), cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    private static bool IsPowerOfTen(long count)
    {
        while (count % 10 == 0) count /= 10;
        return count == 1;
    }

    private static string Word(RejectionReason reason) => reason switch
    {
        RejectionReason.Missing => "missing",
        RejectionReason.Malformed => "malformed",
        RejectionReason.Stale => "stale",
        RejectionReason.Wrong => "wrong",
        RejectionReason.Unreadable => "unreadable",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "no such reason"),
    };
}
