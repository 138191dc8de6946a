using HpcBilling.Audit.Domain;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.Audit.AppendingEntries;

/// <summary>
/// Keeps a reported act until <see cref="AppendArrivals"/> gives it its place. The chain has one end, so appending is serial; the
/// messages are taken in parallel here and appended together there, which spares a wait for the disk per entry.
/// </summary>
internal sealed class ReceiveAct(ArrivalSignal signal) : IConsume<AuditRecorded>
{
    public const int ConcurrencyMax = 16;

    private const string Sql = """
        INSERT INTO arrivals (org_id, entry_id, occurred_at, service, actor, action, subject, details, ip_address)
        SELECT @OrgId, @EntryId, @OccurredAt, @Service, @Actor, @Action, @Subject, @Details::jsonb, @IpAddress
        WHERE NOT EXISTS (SELECT 1 FROM audit_entries WHERE org_id = @OrgId AND entry_id = @EntryId)
        ON CONFLICT (org_id, entry_id) DO NOTHING
        """;

    public async Task ConsumeAsync(AuditRecorded message, OrgTransaction transaction, CancellationToken cancellation)
    {
        AuditEntry act = EntryLimits.Apply(new AuditEntry(
            message.OrgId, Seq: 0, message.EntryId, message.OccurredAt, RecordedAt: message.OccurredAt, message.Service, message.Actor,
            message.Action, message.Subject, message.Details ?? new Dictionary<string, string>(StringComparer.Ordinal), message.IpAddress));
        await transaction.ExecuteAsync(
            Sql,
            new
            {
                act.OrgId, act.EntryId, act.OccurredAt, act.Service, act.Actor, act.Action, act.Subject,
                Details = CanonicalRecord.Details(act.Details), act.IpAddress,
            },
            cancellation);
        signal.Set();
    }
}
