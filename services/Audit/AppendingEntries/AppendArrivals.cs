using System.Diagnostics.Metrics;
using HpcBilling.Audit.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Audit.AppendingEntries;

/// <summary>Moves arrivals to the end of their org's chain, many at a time. Replicas may all run it: the lock of the org lets one append.</summary>
internal sealed class AppendArrivals(Database database, ArrivalSignal signal, TimeProvider clock, ILogger<AppendArrivals> log) : BackgroundService
{
    private const int EntriesMax = 500;
    private const int OrgsMax = 100;

    private const string OrgsSql = "SELECT DISTINCT org_id FROM arrivals LIMIT @OrgsMax";

    // Held to the end of the transaction; serialises appending to one org's chain over all replicas.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('audit chain ' || @OrgId, 0))";

    private const string HeadSql = "SELECT seq, hash FROM audit_entries WHERE org_id = @OrgId ORDER BY seq DESC LIMIT 1";

    // An act that was reported again after it got its place is dropped here.
    private const string TakeSql = """
        WITH taken AS (
            DELETE FROM arrivals WHERE (org_id, entry_id) IN (
                SELECT org_id, entry_id FROM arrivals WHERE org_id = @OrgId ORDER BY occurred_at, entry_id LIMIT @EntriesMax)
            RETURNING *
        )
        SELECT org_id, 0::bigint AS seq, entry_id, occurred_at, occurred_at AS recorded_at, service, actor, action, subject,
               details::text AS details, ip_address, '' AS prev_hash, '' AS hash
        FROM taken
        WHERE NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.org_id = taken.org_id AND e.entry_id = taken.entry_id)
        ORDER BY occurred_at, entry_id
        """;

    private const string AppendSql = """
        INSERT INTO audit_entries (org_id, seq, entry_id, occurred_at, recorded_at, service, actor, action, subject, details, ip_address, prev_hash, hash)
        SELECT @OrgId, seq, entry_id, occurred_at, @RecordedAt, service, actor, action, subject, details::jsonb, ip_address, prev_hash, hash
        FROM unnest(@Seqs, @EntryIds, @OccurredAts, @Services, @Actors, @Actions, @Subjects, @Details, @IpAddresses, @PrevHashes, @Hashes)
            AS e (seq, entry_id, occurred_at, service, actor, action, subject, details, ip_address, prev_hash, hash)
        """;

    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // The signal comes just before the arrival is committed; this lets the commit happen and neighbours gather.
    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(25);

    private static readonly Meter Meter = new("HpcBilling.Audit");
    private static readonly Counter<long> Appended = Meter.CreateCounter<long>("hpcbilling.audit.appended", "{entry}", "Entries appended to a chain.");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await signal.WaitAsync(PollEvery, stoppingToken);
                await Task.Delay(GatherFor, clock, stoppingToken);
                while (await AppendOnceAsync(stoppingToken))
                {
                    // Some org may have more than one batch waiting.
                }
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning("Audit entries could not be appended and are tried again: {Reason}", failure.Message);
                await Task.Delay(RetryAfter, clock, stoppingToken);
            }
        }
    }

    /// <returns>Whether some org had a full batch, so that more may wait.</returns>
    private async Task<bool> AppendOnceAsync(CancellationToken cancellation)
    {
        IReadOnlyList<Guid> orgs;
        await using (OrgTransaction transaction = await database.BeginWorkerAsync(cancellation))
            orgs = await transaction.QueryAsync<Guid>(OrgsSql, new { OrgsMax }, cancellation);

        bool more = orgs.Count == OrgsMax;
        foreach (Guid orgId in orgs) more |= await AppendAsync(orgId, cancellation) == EntriesMax;
        return more;
    }

    private async Task<int> AppendAsync(Guid orgId, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(orgId, cancellation);
        await transaction.ExecuteAsync(LockSql, new { OrgId = orgId.ToString() }, cancellation);
        HeadRow? last = await transaction.QuerySingleOrDefaultAsync<HeadRow>(HeadSql, new { OrgId = orgId }, cancellation);
        IReadOnlyList<EntryRow> taken = await transaction.QueryAsync<EntryRow>(TakeSql, new { OrgId = orgId, EntriesMax }, cancellation);

        ChainHead head = last is null ? HashChain.Start : new ChainHead(last.Seq, last.Hash);
        DateTimeOffset recordedAt = Microseconds.Truncate(clock.GetUtcNow());
        var placed = new List<SealedEntry>(taken.Count);
        foreach (EntryRow row in taken)
        {
            SealedEntry next = HashChain.Seal(head, row.ToSealed().Entry with { RecordedAt = recordedAt });
            placed.Add(next);
            head = new ChainHead(next.Entry.Seq, next.Hash);
        }

        if (placed.Count > 0) await transaction.ExecuteAsync(AppendSql, Columns(orgId, recordedAt, placed), cancellation);
        await transaction.CommitAsync(cancellation);
        Appended.Add(placed.Count);
        return taken.Count;
    }

    private static object Columns(Guid orgId, DateTimeOffset recordedAt, List<SealedEntry> placed) => new
    {
        OrgId = orgId,
        RecordedAt = recordedAt,
        Seqs = placed.ConvertAll(e => e.Entry.Seq),
        EntryIds = placed.ConvertAll(e => e.Entry.EntryId),
        OccurredAts = placed.ConvertAll(e => e.Entry.OccurredAt),
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
