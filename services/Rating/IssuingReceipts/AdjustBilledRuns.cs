using Dapper;
using HpcBilling.Rating.Domain;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>Takes up what was learnt of billed runs: one line each on the receipt that is being issued, over the difference.</summary>
/// <remarks>The receipt's transaction holds the locks of the runs, which whoever stores newer facts takes first as well.</remarks>
internal static class AdjustBilledRuns
{
    /// <summary>Adjustments of one document; what is more is left to the next.</summary>
    private const int LinesMax = 20_000;

    private const int StatementSecondsMax = 600;

    public const string PendingFrom = """
        superseded_runs AS newer
            JOIN runs ON runs.org_id = newer.org_id AND runs.job_key = newer.job_key
            JOIN receipts AS billing ON billing.org_id = newer.org_id AND billing.id = runs.receipt_id
        """;

    /// <summary>Newer facts that no document has taken up, of runs that ended before <c>@Until</c> as they were billed or as they are told now.</summary>
    /// <remarks>A void receipt is owed by nobody, and neither is what its runs cost now.</remarks>
    public const string PendingWhere = """
        newer.org_id = @Org AND newer.adjusted_at IS NULL AND newer.revision > runs.revision AND billing.status <> 'void'
            AND (@Until::timestamptz IS NULL OR newer.ended_at < @Until OR runs.ended_at < @Until)
        """;

    // What waited the last time comes last, so that it keeps nothing else from its document.
    private const string FindSql = $"""
        SELECT newer.job_key FROM {PendingFrom} WHERE {PendingWhere} AND newer.billed_to = @Username
        ORDER BY newer.waits_for IS NOT NULL, newer.received_at, newer.job_key LIMIT @LinesMax
        """;

    // What the documents say of a run so far, and besides what the run itself says: they must agree.
    private const string ReadSql = $"""
        SELECT runs.job_key, runs.username, runs.tier, coalesce(newer.username, runs.username) AS told_username,
            runs.started_at AS before_started_at, runs.ended_at AS before_ended_at, runs.charged_seconds AS before_charged_seconds,
            runs.cpus AS before_cpus, runs.gpus AS before_gpus, runs.memory_mib AS before_memory_mib,
            newer.started_at, newer.ended_at, newer.charged_seconds, newer.cpus, newer.gpus, newer.memory_mib,
            item.currency, item.cpu_minor + earlier.cpu_minor AS cpu_minor, item.gpu_minor + earlier.gpu_minor AS gpu_minor,
            item.memory_minor + earlier.memory_minor AS memory_minor,
            coalesce(runs.cpu_minor, 0) AS run_cpu_minor, coalesce(runs.gpu_minor, 0) AS run_gpu_minor,
            coalesce(runs.memory_minor, 0) AS run_memory_minor
        FROM {PendingFrom}
            JOIN receipt_items AS item ON item.org_id = newer.org_id AND item.job_key = newer.job_key
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(cpu_minor - before_cpu_minor), 0)::bigint AS cpu_minor,
                    coalesce(sum(gpu_minor - before_gpu_minor), 0)::bigint AS gpu_minor,
                    coalesce(sum(memory_minor - before_memory_minor), 0)::bigint AS memory_minor
                FROM receipt_adjustments WHERE org_id = @Org AND job_key = item.job_key) AS earlier
        WHERE {PendingWhere} AND newer.job_key = ANY(@JobKeys)
        ORDER BY newer.job_key
        """;

    private const string WriteSql = """
        INSERT INTO receipt_adjustments (org_id, receipt_id, line, job_key, revision, corrects, changed, reason, cluster, job_id, account,
            partition, qos, state, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, before_ended_at, before_charged_seconds,
            before_cpus, before_gpus, before_memory_mib, tier, tariff_version, before_tariff_version, currency, cpu_minor, gpu_minor,
            memory_minor, before_cpu_minor, before_gpu_minor, before_memory_minor)
        SELECT @Org, @Id, @LinesBefore + row_number() OVER (ORDER BY newer.ended_at, newer.job_key), newer.job_key, newer.revision,
            runs.receipt_id, string_to_array(decided.changed, ' '), decided.reason, runs.cluster, runs.job_id,
            coalesce(newer.account, runs.account), coalesce(newer.partition, runs.partition), coalesce(newer.qos, runs.qos), newer.state,
            newer.started_at, newer.ended_at, newer.charged_seconds, newer.cpus, newer.gpus, newer.memory_mib, runs.ended_at,
            runs.charged_seconds, runs.cpus, runs.gpus, runs.memory_mib, runs.tier, decided.tariff_version, runs.tariff_version,
            decided.currency, decided.cpu_minor, decided.gpu_minor, decided.memory_minor, decided.before_cpu_minor, decided.before_gpu_minor,
            decided.before_memory_minor
        FROM unnest(@JobKeys, @Changed, @Reasons, @TariffVersions, @BilledCurrencies, @OwedCpuMinors, @OwedGpuMinors, @OwedMemoryMinors, @BeforeCpuMinors,
                @BeforeGpuMinors, @BeforeMemoryMinors)
                AS decided (job_key, changed, reason, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, before_cpu_minor,
                    before_gpu_minor, before_memory_minor)
            JOIN superseded_runs AS newer ON newer.org_id = @Org AND newer.job_key = decided.job_key
            JOIN runs ON runs.org_id = @Org AND runs.job_key = decided.job_key
        """;

    // From here on the run is what was told last, billed by its first receipt as before.
    private const string TakeUpSql = """
        UPDATE runs SET revision = newer.revision, account = coalesce(newer.account, runs.account),
            partition = coalesce(newer.partition, runs.partition), qos = coalesce(newer.qos, runs.qos), state = newer.state,
            submitted_at = coalesce(newer.submitted_at, runs.submitted_at), started_at = newer.started_at, ended_at = newer.ended_at,
            charged_seconds = newer.charged_seconds, cpus = newer.cpus, gpus = newer.gpus, memory_mib = newer.memory_mib,
            nodes = coalesce(newer.nodes, runs.nodes), rating = decided.rating, reason = decided.reason,
            tariff_version = decided.tariff_version, currency = decided.currency, cpu_minor = decided.cpu_minor,
            gpu_minor = decided.gpu_minor, memory_minor = decided.memory_minor, amount_minor = decided.amount_minor
        FROM unnest(@JobKeys, @Ratings, @Reasons, @TariffVersions, @Currencies, @CpuMinors, @GpuMinors, @MemoryMinors, @AmountMinors)
                AS decided (job_key, rating, reason, tariff_version, currency, cpu_minor, gpu_minor, memory_minor, amount_minor)
            JOIN superseded_runs AS newer ON newer.org_id = @Org AND newer.job_key = decided.job_key
        WHERE runs.org_id = @Org AND runs.job_key = decided.job_key AND runs.receipt_id IS NOT NULL AND newer.revision > runs.revision
        """;

    private const string AdjustedSql = """
        UPDATE superseded_runs SET adjusted_at = @At, waits_for = NULL
        WHERE org_id = @Org AND job_key = ANY(@JobKeys) AND adjusted_at IS NULL
        """;

    private const string WaitSql = """
        UPDATE superseded_runs SET waits_for = decided.reason FROM unnest(@JobKeys, @Reasons) AS decided (job_key, reason)
        WHERE org_id = @Org AND superseded_runs.job_key = decided.job_key AND adjusted_at IS NULL
            AND waits_for IS DISTINCT FROM decided.reason
        """;

    /// <summary>Runs of a user that the next document takes up, as far as anybody knows before they are locked.</summary>
    /// <remarks>Where there are any, the price book is held: nobody may change a rate between here and the commit.</remarks>
    public static async Task<string[]> FindAsync(IssueOrder order, OrgTransaction transaction, CancellationToken cancellation)
    {
        var args = new { Org = transaction.OrgId, order.Username, order.Until, LinesMax };
        string[] found = [.. await transaction.QueryAsync<string>(FindSql, args, cancellation)];

        // Before any run is locked: who publishes a tariff holds the book first, and then wants the runs.
        if (found.Length > 0) await PriceBook.ShareAsync(transaction, cancellation);
        return found;
    }

    /// <summary>Writes the lines; the runs are locked.</summary>
    /// <param name="id">The document.</param>
    /// <param name="linesBefore">Lines that it has already.</param>
    /// <param name="jobKeys">What <see cref="FindAsync"/> found.</param>
    /// <param name="until">Of the order.</param>
    /// <param name="at">When it is issued.</param>
    /// <param name="transaction">The document's.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    /// <returns>How many lines, and what they add up to.</returns>
    public static async Task<(int Lines, long DifferenceMinor)> WriteAsync(
        Guid id, int linesBefore, string[] jobKeys, DateTimeOffset until, DateTimeOffset at, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (jobKeys.Length == 0) return (0, 0);
        var tariffs = await PriceBook.TariffsAsync(transaction, cancellation);
        var rows = await transaction.QueryAsync<Row>(ReadSql, new { Org = transaction.OrgId, JobKeys = jobKeys, Until = until }, cancellation);
        var differing = new Decided(id, linesBefore, at);
        var same = new Decided(id, linesBefore, at);
        var waiting = new List<(string JobKey, string Reason)>();
        foreach (var row in rows)
        {
            if (row.Billed.Price != row.RunPrice)
                throw new InvalidOperationException($"The documents of run {row.JobKey} say {row.Billed.Price}, the run says {row.RunPrice}: nothing is issued.");
            switch (Adjustment.Of(row.Billed, row.ToldUsername, row.Facts, tariffs))
            {
                case Adjustment.Differs differs:
                    differing.Add(row, differs.Rating, differs.Owed, differs.Changed);
                    break;
                case Adjustment.CostsTheSame costs:
                    same.Add(row, costs.Rating, row.Billed.Price, []);
                    break;
                case Adjustment.Waits waits:
                    waiting.Add((row.JobKey, waits.Reason));
                    break;
                case var unknown:
                    throw new InvalidOperationException($"No answer for {unknown}.");
            }
        }

        await WriteAsync(WriteSql, differing, transaction, cancellation);
        foreach (var decided in new[] { differing, same })
        {
            await WriteAsync(TakeUpSql, decided, transaction, cancellation);
            await WriteAsync(AdjustedSql, decided, transaction, cancellation);
        }

        if (waiting.Count > 0)
        {
            var args = new { Org = transaction.OrgId, JobKeys = waiting.ConvertAll(one => one.JobKey).ToArray(), Reasons = waiting.ConvertAll(one => one.Reason).ToArray() };
            await transaction.ExecuteAsync(WaitSql, args, cancellation);
        }

        return (differing.Count, differing.DifferenceMinor);
    }

    /// <exception cref="InvalidOperationException">Not every row was written: what was read under the lock does not hold.</exception>
    private static async Task WriteAsync(string sql, Decided decided, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (decided.Count == 0) return;
        var written = await transaction.Connection.ExecuteAsync(new CommandDefinition(
            sql, decided.Columns(transaction.OrgId), transaction.Transaction, StatementSecondsMax, cancellationToken: cancellation));
        if (written != decided.Count) throw new InvalidOperationException($"Of {decided.Count} adjustments {written} could be written: nothing is issued.");
    }

    /// <summary>Decisions of one kind, a column each, for set-based SQL.</summary>
    private sealed class Decided(Guid id, int linesBefore, DateTimeOffset at)
    {
        private readonly List<Row> rows = [];
        private readonly List<RunPrice> owed = [];
        private readonly List<string> changed = [];
        private readonly RatedColumns rated = new(0);

        public int Count => rows.Count;

        public long DifferenceMinor { get; private set; }

        public void Add(Row row, RunRating rating, RunPrice price, IReadOnlyList<string> names)
        {
            rows.Add(row);
            owed.Add(price);
            changed.Add(string.Join(' ', names));
            rated.Add(row.Tier, rating);
            DifferenceMinor += price.Amount.Minor - row.Billed.Price.Amount.Minor;
        }

        public object Columns(Guid org) => new
        {
            Org = org,
            Id = id,
            LinesBefore = linesBefore,
            At = at,
            JobKeys = rows.Select(row => row.JobKey).ToArray(),
            Changed = changed.ToArray(),
            rated.Ratings,
            rated.Reasons,
            rated.TariffVersions,
            rated.Currencies,
            rated.CpuMinors,
            rated.GpuMinors,
            rated.MemoryMinors,
            rated.AmountMinors,
            BilledCurrencies = owed.Select(price => price.Currency.Code).ToArray(),
            OwedCpuMinors = owed.Select(price => price.CpuMinor).ToArray(),
            OwedGpuMinors = owed.Select(price => price.GpuMinor).ToArray(),
            OwedMemoryMinors = owed.Select(price => price.MemoryMinor).ToArray(),
            BeforeCpuMinors = rows.Select(row => row.CpuMinor).ToArray(),
            BeforeGpuMinors = rows.Select(row => row.GpuMinor).ToArray(),
            BeforeMemoryMinors = rows.Select(row => row.MemoryMinor).ToArray(),
        };
    }

    private sealed record Row
    {
        public string JobKey { get; init; } = "";
        public string Username { get; init; } = "";
        public string Tier { get; init; } = "";
        public string ToldUsername { get; init; } = "";
        public DateTimeOffset? BeforeStartedAt { get; init; }
        public DateTimeOffset? BeforeEndedAt { get; init; }
        public long BeforeChargedSeconds { get; init; }
        public long BeforeCpus { get; init; }
        public long BeforeGpus { get; init; }
        public long BeforeMemoryMib { get; init; }
        public DateTimeOffset? StartedAt { get; init; }
        public DateTimeOffset? EndedAt { get; init; }
        public long ChargedSeconds { get; init; }
        public long Cpus { get; init; }
        public long Gpus { get; init; }
        public long MemoryMib { get; init; }
        public string Currency { get; init; } = "";
        public long CpuMinor { get; init; }
        public long GpuMinor { get; init; }
        public long MemoryMinor { get; init; }
        public long RunCpuMinor { get; init; }
        public long RunGpuMinor { get; init; }
        public long RunMemoryMinor { get; init; }

        public RunFacts Facts => new(StartedAt, EndedAt, ChargedSeconds, Cpus, Gpus, MemoryMib);

        public RunPrice RunPrice => new(Domain.Currency.Of(Currency), RunCpuMinor, RunGpuMinor, RunMemoryMinor);

        public BilledRun Billed => new(
            Username, Tier, new RunFacts(BeforeStartedAt, BeforeEndedAt, BeforeChargedSeconds, BeforeCpus, BeforeGpus, BeforeMemoryMib),
            new RunPrice(Domain.Currency.Of(Currency), CpuMinor, GpuMinor, MemoryMinor));
    }
}
