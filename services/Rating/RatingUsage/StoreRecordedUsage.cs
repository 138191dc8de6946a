using HpcBilling.Contracts;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.RatingUsage;

/// <summary>Stores the runs of a batch with their prices: each once, the highest revision holds, a billed one is left alone.</summary>
internal sealed class StoreRecordedUsage(IOptions<RatingOptions> options, Apportioning apportioning, TimeProvider clock) : IConsume<UsageRecorded>, IConsume<UsageCorrected>
{
    // In the order of the key, as everybody who locks several runs does: two batches that share runs wait for each other instead of
    // ending in a deadlock.
    private const string StoreSql = """
        WITH stored AS (
            INSERT INTO runs (org_id, job_key, revision, import_id, cluster, job_id, raw_job_id, username, account, partition, qos, state,
                submitted_at, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, nodes,
                rating, reason, tier, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor, received_at,
                cpu_used_ms, memory_used_bytes)
            SELECT @Org, job_key, revision, @ImportId, cluster, job_id, raw_job_id, username, account, partition, qos, state,
                submitted_at, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, nodes,
                rating, reason, tier, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor, @ReceivedAt,
                cpu_used_ms, memory_used_bytes
            FROM unnest(@JobKeys, @Revisions, @Clusters, @JobIds, @RawJobIds, @Usernames, @Accounts, @Partitions, @Qos, @States,
                @SubmittedAt, @StartedAt, @EndedAt, @ChargedSeconds, @Cpus, @Gpus, @MemoryMib, @Nodes,
                @Ratings, @Reasons, @Tiers, @TariffVersions, @Currencies, @CpuMinors, @GpuMinors, @MemoryMinors, @AmountMinors,
                @CpuUsedMs, @MemoryUsedBytes)
                AS batch (job_key, revision, cluster, job_id, raw_job_id, username, account, partition, qos, state,
                    submitted_at, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, nodes,
                    rating, reason, tier, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor,
                    cpu_used_ms, memory_used_bytes)
            ORDER BY job_key COLLATE "C"
            ON CONFLICT (org_id, job_key) DO UPDATE SET
                revision = excluded.revision, import_id = excluded.import_id, cluster = excluded.cluster, job_id = excluded.job_id,
                raw_job_id = excluded.raw_job_id, username = excluded.username, account = excluded.account, partition = excluded.partition,
                qos = excluded.qos, state = excluded.state, submitted_at = excluded.submitted_at, started_at = excluded.started_at,
                ended_at = excluded.ended_at, charged_seconds = excluded.charged_seconds, cpus = excluded.cpus, gpus = excluded.gpus,
                memory_mib = excluded.memory_mib, nodes = excluded.nodes, rating = excluded.rating, reason = excluded.reason,
                tier = excluded.tier, tariff_version = excluded.tariff_version, currency = excluded.currency,
                cpu_minor = excluded.cpu_minor, gpu_minor = excluded.gpu_minor, memory_minor = excluded.memory_minor,
                amount_minor = excluded.amount_minor, received_at = excluded.received_at
            WHERE excluded.revision > runs.revision AND runs.receipt_id IS NULL
            RETURNING rating)
        SELECT rating, count(*) AS runs FROM stored GROUP BY rating
        """;

    // The statement above has locked every run of the batch, so what is billed now was billed before.
    private const string SupersedeSql = """
        INSERT INTO superseded_runs (org_id, job_key, revision, receipt_id, billed_to, username, account, partition, qos, state, submitted_at,
            started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, nodes, received_at)
        SELECT @Org, runs.job_key, batch.revision, runs.receipt_id, runs.username, batch.username, batch.account, batch.partition, batch.qos,
            batch.state, batch.submitted_at, batch.started_at, batch.ended_at, batch.charged_seconds, batch.cpus, batch.gpus, batch.memory_mib,
            batch.nodes, @ReceivedAt
        FROM unnest(@JobKeys, @Revisions, @Usernames, @Accounts, @Partitions, @Qos, @States, @SubmittedAt, @StartedAt, @EndedAt,
            @ChargedSeconds, @Cpus, @Gpus, @MemoryMib, @Nodes)
            AS batch (job_key, revision, username, account, partition, qos, state, submitted_at, started_at, ended_at,
                charged_seconds, cpus, gpus, memory_mib, nodes)
        JOIN runs ON runs.org_id = @Org AND runs.job_key = batch.job_key
        WHERE runs.receipt_id IS NOT NULL AND batch.revision > runs.revision
        ON CONFLICT (org_id, job_key) DO UPDATE SET
            revision = excluded.revision, username = excluded.username, account = excluded.account, partition = excluded.partition,
            qos = excluded.qos, state = excluded.state, submitted_at = excluded.submitted_at, started_at = excluded.started_at,
            ended_at = excluded.ended_at, charged_seconds = excluded.charged_seconds, cpus = excluded.cpus, gpus = excluded.gpus,
            memory_mib = excluded.memory_mib, nodes = excluded.nodes, received_at = excluded.received_at, adjusted_at = NULL, waits_for = NULL
        WHERE excluded.revision > superseded_runs.revision
        """;

    // Beside the price, and whether the run is billed or not: the larger figure holds, so that the order of messages does not matter.
    private const string MeasureSql = """
        UPDATE runs SET
            cpu_used_ms = greatest(runs.cpu_used_ms, batch.cpu_used_ms), memory_used_bytes = greatest(runs.memory_used_bytes, batch.memory_used_bytes)
        FROM unnest(@JobKeys, @CpuUsedMs, @MemoryUsedBytes) AS batch (job_key, cpu_used_ms, memory_used_bytes)
        WHERE runs.org_id = @Org AND runs.job_key = batch.job_key
            AND (batch.cpu_used_ms > coalesce(runs.cpu_used_ms, -1) OR batch.memory_used_bytes > coalesce(runs.memory_used_bytes, -1))
        """;

    // One file may tell of a run twice, unfinished first: the import has it once.
    private const string CountedSql = "SELECT count(*) FROM runs WHERE org_id = @Org AND import_id = @ImportId AND job_key = ANY(@JobKeys)";

    private const string CountBatchSql = """
        INSERT INTO import_batches (org_id, batch_id, import_id, runs, received_at) VALUES (@Org, @BatchId, @ImportId, @Runs, @ReceivedAt)
        ON CONFLICT DO NOTHING
        """;

    public async Task ConsumeAsync(UsageRecorded message, OrgTransaction transaction, CancellationToken cancellation)
    {
        var receivedAt = Microseconds.Truncate(clock.GetUtcNow());
        var (runs, counted) = await StoreAsync(message.ImportId, message.Runs, receivedAt, transaction, cancellation);
        if (message.AddsNoRun) return;
        var arrival = new { Org = message.OrgId, message.BatchId, message.ImportId, Runs = runs - counted, ReceivedAt = receivedAt };
        await transaction.ExecuteAsync(CountBatchSql, arrival, cancellation);
    }

    /// <summary>Corrected facts are stored like any newer ones: an unbilled run is priced anew, a billed one is left to an adjustment.</summary>
    public async Task ConsumeAsync(UsageCorrected message, OrgTransaction transaction, CancellationToken cancellation) => await StoreAsync(
        message.ReadId, [.. message.Runs.Select(corrected => corrected.Run)], Microseconds.Truncate(clock.GetUtcNow()), transaction, cancellation);

    /// <returns>How many runs there were, and how many of them this import had brought before.</returns>
    private async Task<(int Runs, int Counted)> StoreAsync(
        Guid importId, IReadOnlyList<RecordedRun> told, DateTimeOffset receivedAt, OrgTransaction transaction, CancellationToken cancellation)
    {
        var runs = told.GroupBy(run => run.JobKey, StringComparer.Ordinal).Select(same => same.MaxBy(run => run.Revision)!).ToList();

        await PriceBook.ShareAsync(transaction, cancellation);
        var first = await apportioning.FirstAsync(runs, transaction, cancellation);
        var counting = new { Org = transaction.OrgId, ImportId = importId, JobKeys = runs.Select(run => run.JobKey).ToArray() };
        var counted = await transaction.ExecuteScalarAsync<int>(CountedSql, counting, cancellation);
        await StoreRatedAsync(importId, first, receivedAt, transaction, cancellation);
        var further = await apportioning.FurtherAsync(runs, transaction, cancellation);
        if (further.Count > 0) await StoreRatedAsync(importId, further, receivedAt, transaction, cancellation);
        return (runs.Count, counted);
    }

    private async Task StoreRatedAsync(
        Guid importId, IReadOnlyList<RecordedRun> runs, DateTimeOffset receivedAt, OrgTransaction transaction, CancellationToken cancellation)
    {
        var rated = await RateAsync(runs, transaction, cancellation);
        var batch = Columns(transaction.OrgId, importId, runs, rated, receivedAt);
        foreach (var (rating, count) in await transaction.QueryAsync<(string Rating, long Runs)>(StoreSql, batch, cancellation))
            RatingMetrics.CountRated(rating, count);

        if (runs.Any(run => run.CpuUsedMilliseconds is not null || run.MemoryUsedBytes is not null))
            await transaction.ExecuteAsync(MeasureSql, batch, cancellation);
        RatingMetrics.RunsSuperseded.Add(await transaction.ExecuteAsync(SupersedeSql, batch, cancellation));
    }

    private async Task<RatedColumns> RateAsync(IReadOnlyList<RecordedRun> runs, OrgTransaction transaction, CancellationToken cancellation)
    {
        var tariffs = await PriceBook.TariffsAsync(transaction, cancellation);
        var tiers = await PriceBook.TiersAsync(transaction, runs.Select(run => run.Username), cancellation);
        var columns = new RatedColumns(runs.Count);
        foreach (var run in runs)
        {
            var tier = tiers.GetValueOrDefault(run.Username, options.Value.DefaultTier);
            var facts = new RunFacts(run.StartedAt, run.EndedAt, run.ChargedSeconds, run.Tres.Cpus, run.Tres.Gpus, run.Tres.MemoryMib);
            columns.Add(tier, RunRating.Of(facts, tier, tariffs));
        }

        return columns;
    }

    private static object Columns(Guid org, Guid importId, IReadOnlyList<RecordedRun> runs, RatedColumns rated, DateTimeOffset receivedAt) => new
    {
        Org = org,
        ImportId = importId,
        ReceivedAt = receivedAt,
        JobKeys = runs.Select(run => run.JobKey).ToArray(),
        Revisions = runs.Select(run => run.Revision).ToArray(),
        Clusters = runs.Select(run => run.Cluster).ToArray(),
        JobIds = runs.Select(run => run.JobId).ToArray(),
        RawJobIds = runs.Select(run => run.RawJobId).ToArray(),
        Usernames = runs.Select(run => run.Username).ToArray(),
        Accounts = runs.Select(run => run.Account).ToArray(),
        Partitions = runs.Select(run => run.Partition).ToArray(),
        Qos = runs.Select(run => run.Qos).ToArray(),
        States = runs.Select(run => run.State).ToArray(),
        SubmittedAt = runs.Select(run => Microseconds.Truncate(run.SubmittedAt)).ToArray(),
        StartedAt = runs.Select(run => Truncate(run.StartedAt)).ToArray(),
        EndedAt = runs.Select(run => Truncate(run.EndedAt)).ToArray(),
        ChargedSeconds = runs.Select(run => run.ChargedSeconds).ToArray(),
        Cpus = runs.Select(run => run.Tres.Cpus).ToArray(),
        Gpus = runs.Select(run => run.Tres.Gpus).ToArray(),
        MemoryMib = runs.Select(run => run.Tres.MemoryMib).ToArray(),
        Nodes = runs.Select(run => run.Tres.Nodes).ToArray(),
        CpuUsedMs = runs.Select(run => run.CpuUsedMilliseconds).ToArray(),
        MemoryUsedBytes = runs.Select(run => run.MemoryUsedBytes).ToArray(),
        rated.Ratings,
        rated.Reasons,
        rated.Tiers,
        rated.TariffVersions,
        rated.Currencies,
        rated.CpuMinors,
        rated.GpuMinors,
        rated.MemoryMinors,
        rated.AmountMinors,
    };

    private static DateTimeOffset? Truncate(DateTimeOffset? instant) => instant is { } known ? Microseconds.Truncate(known) : null;
}
