using System.Diagnostics.Metrics;
using HpcBilling.Audit.Domain;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.Audit.AppendingEntries;

/// <summary>
/// Puts reported acts at the end of their org's chain. A chain has one end, so appending is serial, over all replicas; taking many
/// acts at a time spares a wait for the disk per entry.
/// </summary>
internal sealed class AppendActs(TimeProvider clock) : IConsumeBatch<AuditRecorded>
{
    public const int ActsMax = 200;

    // Held to the end of the transaction. There is no head row to lock: the serving role may not update anything of the chain.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('audit chain ' || @OrgId, 0))";

    private const string HeadSql = "SELECT seq, hash FROM audit_entries WHERE org_id = @OrgId ORDER BY seq DESC LIMIT 1";

    private const string KnownSql = "SELECT entry_id FROM audit_entries WHERE org_id = @OrgId AND entry_id = ANY(@EntryIds)";

    private const string AppendSql = """
        INSERT INTO audit_entries (org_id, seq, entry_id, occurred_at, recorded_at, service, actor, action, subject, details, ip_address, prev_hash, hash)
        SELECT @OrgId, seq, entry_id, occurred_at, recorded_at, service, actor, action, subject, details::jsonb, ip_address, prev_hash, hash
        FROM unnest(@Seqs, @EntryIds, @OccurredAts, @RecordedAts, @Services, @Actors, @Actions, @Subjects, @Details, @IpAddresses, @PrevHashes, @Hashes)
            AS e (seq, entry_id, occurred_at, recorded_at, service, actor, action, subject, details, ip_address, prev_hash, hash)
        """;

    private static readonly Meter Meter = new("HpcBilling.Audit");
    private static readonly Counter<long> Appended = Meter.CreateCounter<long>("hpcbilling.audit.appended", "{entry}", "Entries appended to a chain.");

    public async Task ConsumeAsync(IReadOnlyList<AuditRecorded> messages, OrgTransaction transaction, CancellationToken cancellation)
    {
        Guid orgId = transaction.OrgId;
        await transaction.ExecuteAsync(LockSql, new { OrgId = orgId.ToString() }, cancellation);
        HeadRow? last = await transaction.QuerySingleOrDefaultAsync<HeadRow>(HeadSql, new { OrgId = orgId }, cancellation);
        var ids = new { OrgId = orgId, EntryIds = messages.Select(act => act.EntryId).ToArray() };
        HashSet<Guid> known = [.. await transaction.QueryAsync<Guid>(KnownSql, ids, cancellation)];

        List<SealedEntry> placed = Place(last is null ? HashChain.Start : new ChainHead(last.Seq, last.Hash), messages.Where(act => known.Add(act.EntryId)));
        if (placed.Count > 0) await transaction.ExecuteAsync(AppendSql, Columns(orgId, placed), cancellation);
        Appended.Add(placed.Count);
    }

    private List<SealedEntry> Place(ChainHead head, IEnumerable<AuditRecorded> acts)
    {
        DateTimeOffset recordedAt = clock.GetUtcNow();
        var placed = new List<SealedEntry>();
        foreach (AuditRecorded act in acts.OrderBy(act => act.OccurredAt).ThenBy(act => act.EntryId))
        {
            SealedEntry next = HashChain.Seal(head, EntryLimits.Apply(new AuditEntry(
                act.OrgId, Seq: 0, act.EntryId, act.OccurredAt, recordedAt, act.Service, act.Actor, act.Action, act.Subject,
                act.Details ?? new Dictionary<string, string>(StringComparer.Ordinal), act.IpAddress)));
            placed.Add(next);
            head = new ChainHead(next.Entry.Seq, next.Hash);
        }

        return placed;
    }

    private static object Columns(Guid orgId, List<SealedEntry> placed) => new
    {
        OrgId = orgId,
        Seqs = placed.ConvertAll(e => e.Entry.Seq),
        EntryIds = placed.ConvertAll(e => e.Entry.EntryId),
        OccurredAts = placed.ConvertAll(e => e.Entry.OccurredAt),
        RecordedAts = placed.ConvertAll(e => e.Entry.RecordedAt),
        Services = placed.ConvertAll(e => e.Entry.Service),
        Actors = placed.ConvertAll(e => e.Entry.Actor),
        Actions = placed.ConvertAll(e => e.Entry.Action),
        Subjects = placed.ConvertAll(e => e.Entry.Subject),
        Details = placed.ConvertAll(e => CanonicalRecord.Details(e.Entry.Details)),
        IpAddresses = placed.ConvertAll(e => e.Entry.IpAddress),
        PrevHashes = placed.ConvertAll(e => e.PrevHash),
        Hashes = placed.ConvertAll(e => e.Hash),
    };

    private sealed record HeadRow(long Seq, string Hash);
}
