using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.MessagingProbe;

/// <summary>Counts how often each message took effect; with an inbox the count stays 1.</summary>
internal sealed class CountSettlement : IConsume<PaymentSettled>
{
    private const string Sql = """
        INSERT INTO effects (org_id, receipt_id) VALUES (@OrgId, @ReceiptId)
        ON CONFLICT (org_id, receipt_id) DO UPDATE SET settled = effects.settled + 1
        """;

    public Task ConsumeAsync(PaymentSettled message, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (message.Provider == "poison") throw new InvalidOperationException("This message can never be handled.");
        return transaction.ExecuteAsync(Sql, new { message.OrgId, message.ReceiptId }, cancellation);
    }
}
