using System.Globalization;
using Dapper;
using HpcBilling.Contracts;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>What came of asking for a receipt.</summary>
internal abstract record IssueOutcome
{
    private IssueOutcome()
    {
    }

    internal sealed record Issued(Guid Id, ReceiptKind Kind, string Number, int Runs, int Adjustments, long TotalMinor, string Currency) : IssueOutcome;
    internal sealed record NothingToBill : IssueOutcome;
}

/// <param name="Username">Who owes it.</param>
/// <param name="Until">Exclusive: runs that ended before it.</param>
/// <param name="IssuedBy">Who asked for it.</param>
/// <param name="IpAddress">From where, when it was a request.</param>
/// <param name="ReceiptRunId">The receipt run it belongs to, if any.</param>
internal sealed record IssueOrder(string Username, DateTimeOffset Until, string IssuedBy, string? IpAddress, Guid? ReceiptRunId);

/// <summary>
/// Puts all unbilled, finished, priced runs of a user on one receipt, and what was learnt of his billed ones: a credit note, where that takes
/// back more than the rest bills. The caller commits.
/// </summary>
internal sealed class IssueReceipt(SiteCalendar calendar, TimeProvider clock)
{
    /// <summary>Enough for one user's million runs, and for waiting until another receipt of his is done.</summary>
    private const int StatementSecondsMax = 600;

    // Two receipts of one user would fight over the same runs row by row; this way the second simply finds nothing left.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('receipt:' || @Org::text || ':' || @Username, 0))";

    // In the order of the key, as the consumer of usage locks them: an update would take them in any order, and end in a deadlock.
    private const string HoldSql = """
        SELECT count(*) FROM (
            SELECT 1 FROM runs
            WHERE org_id = @Org AND username = @Username AND rating = 'priced' AND receipt_id IS NULL AND ended_at < @Until
            ORDER BY job_key FOR UPDATE) AS due
        """;

    // With the billed runs that are to be adjusted: all of them in one order.
    private const string HoldCorrectedSql = """
        SELECT count(*) FROM (
            SELECT 1 FROM runs
            WHERE org_id = @Org
                AND ((username = @Username AND rating = 'priced' AND receipt_id IS NULL AND ended_at < @Until)
                    OR (job_key = ANY(@Corrected) AND receipt_id IS NOT NULL))
            ORDER BY job_key FOR UPDATE) AS due
        """;

    private const string BillSql = """
        WITH billed AS (
            UPDATE runs SET receipt_id = @Id
            WHERE org_id = @Org AND username = @Username AND rating = 'priced' AND receipt_id IS NULL AND ended_at < @Until
            RETURNING *),
        items AS (
            INSERT INTO receipt_items (org_id, receipt_id, line, job_key, cluster, job_id, account, partition, qos, state, started_at,
                ended_at, charged_seconds, cpus, gpus, memory_mib, tier, tariff_version, currency, cpu_minor, gpu_minor, memory_minor,
                amount_minor)
            SELECT org_id, receipt_id, row_number() OVER (ORDER BY ended_at, job_key), job_key, cluster, job_id, account, partition, qos,
                state, started_at, ended_at, charged_seconds, cpus, gpus, memory_mib, tier, tariff_version, currency, cpu_minor,
                gpu_minor, memory_minor, amount_minor
            FROM billed
            RETURNING 1)
        SELECT count(*)::int AS runs, coalesce(sum(amount_minor), 0)::bigint AS total_minor, (SELECT count(*) FROM items)::int AS items
        FROM billed
        """;

    private const string NextNumberSql = """
        INSERT INTO receipt_counters (org_id, year, last) VALUES (@Org, @Year, 1)
        ON CONFLICT (org_id, year) DO UPDATE SET last = receipt_counters.last + 1
        RETURNING last
        """;

    private const string NextCreditNoteSql = """
        INSERT INTO credit_note_counters (org_id, year, last) VALUES (@Org, @Year, 1)
        ON CONFLICT (org_id, year) DO UPDATE SET last = credit_note_counters.last + 1
        RETURNING last
        """;

    // The total is the sum of the lines, added up by the database from the lines that it holds. Where nothing is owed nothing can be
    // paid, so that such a receipt is settled as it is issued.
    private const string InsertSql = """
        INSERT INTO receipts (org_id, id, kind, number, username, status, currency, total_minor, runs, adjustments, cpu_core_seconds,
            gpu_seconds, memory_mib_seconds, first_ended_at, last_ended_at, until, rates, receipt_run_id, issued_by, issued_at, settled_at,
            provider)
        SELECT @Org, @Id, @Kind, @Number, @Username, CASE WHEN total_minor = 0 THEN 'paid' ELSE 'issued' END, currency, total_minor, runs,
            adjustments, cpu_core_seconds, gpu_seconds, memory_mib_seconds, first_ended_at, last_ended_at, @Until,
            (SELECT jsonb_agg(jsonb_build_object('tier', tariffs.tier, 'version', tariffs.version,
                    'effectiveFrom', to_char(effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    'currency', tariffs.currency, 'cpuCoreHour', trim_scale(cpu_core_hour), 'gpuHour', trim_scale(gpu_hour),
                    'memoryGibHour', trim_scale(memory_gib_hour)) ORDER BY tariffs.tier, tariffs.version)
                FROM tariffs JOIN (
                    SELECT tier, tariff_version FROM receipt_items WHERE org_id = @Org AND receipt_id = @Id
                    UNION SELECT tier, tariff_version FROM receipt_adjustments WHERE org_id = @Org AND receipt_id = @Id
                    UNION SELECT tier, before_tariff_version FROM receipt_adjustments WHERE org_id = @Org AND receipt_id = @Id) AS used
                    ON tariffs.tier = used.tier AND tariffs.version = used.tariff_version
                WHERE tariffs.org_id = @Org),
            @ReceiptRunId, @IssuedBy, @IssuedAt,
            CASE WHEN total_minor = 0 THEN @IssuedAt::timestamptz END, CASE WHEN total_minor = 0 THEN 'none' END
        FROM (
            SELECT coalesce(billed.currency, adjusted.currency) AS currency,
                (billed.minor + adjusted.minor)::bigint AS total_minor, runs, adjustments, cpu_core_seconds, gpu_seconds, memory_mib_seconds,
                first_ended_at, last_ended_at
            FROM (
                SELECT min(currency) AS currency, coalesce(sum(amount_minor), 0) AS minor, count(*)::int AS runs,
                    coalesce(sum(cpus::numeric * charged_seconds), 0) AS cpu_core_seconds,
                    coalesce(sum(gpus::numeric * charged_seconds), 0) AS gpu_seconds,
                    coalesce(sum(memory_mib::numeric * charged_seconds), 0) AS memory_mib_seconds,
                    min(ended_at) AS first_ended_at, max(ended_at) AS last_ended_at
                FROM receipt_items WHERE org_id = @Org AND receipt_id = @Id) AS billed,
                (SELECT min(currency) AS currency, coalesce(sum(difference_minor), 0) AS minor, count(*)::int AS adjustments
                FROM receipt_adjustments WHERE org_id = @Org AND receipt_id = @Id) AS adjusted) AS lines
        RETURNING number, total_minor, runs, adjustments, currency
        """;

    public async Task<IssueOutcome> IssueAsync(IssueOrder order, OrgTransaction transaction, CancellationToken cancellation)
    {
        var issuedAt = Microseconds.Truncate(clock.GetUtcNow());
        var id = Guid.CreateVersion7(issuedAt);
        await transaction.Connection.ExecuteAsync(Long(LockSql, new { Org = transaction.OrgId, order.Username }, transaction, cancellation));
        var corrected = await AdjustBilledRuns.FindAsync(order, transaction, cancellation);
        var bill = new { Org = transaction.OrgId, Id = id, order.Username, order.Until, Corrected = corrected };
        var hold = corrected.Length > 0 ? HoldCorrectedSql : HoldSql;
        if (await transaction.Connection.ExecuteScalarAsync<long>(Long(hold, bill, transaction, cancellation)) == 0)
            return new IssueOutcome.NothingToBill();
        var billed = await transaction.Connection.QuerySingleAsync<Billed>(Long(BillSql, bill, transaction, cancellation));
        var adjusted = await AdjustBilledRuns.WriteAsync(id, billed.Runs, corrected, order.Until, issuedAt, transaction, cancellation);
        if (billed.Runs + adjusted.Lines == 0) return new IssueOutcome.NothingToBill();

        // Last, since the counter is locked from here to the commit and every other receipt of the org waits for it.
        var total = billed.TotalMinor + adjusted.DifferenceMinor;
        var kind = ReceiptKinds.Of(total);
        var receipt = await InsertAsync(id, kind, order, issuedAt, transaction, cancellation);
        if (receipt.Runs != billed.Runs || billed.Items != billed.Runs || receipt.Adjustments != adjusted.Lines || receipt.TotalMinor != total)
            throw new InvalidOperationException($"Receipt {receipt.Number} says {receipt}, its runs say {billed} and {adjusted}: nothing is issued.");

        await AnnounceAsync(id, kind, receipt, order, issuedAt, transaction, cancellation);
        return new IssueOutcome.Issued(id, kind, receipt.Number, receipt.Runs, receipt.Adjustments, receipt.TotalMinor, receipt.Currency);
    }

    private async Task<Inserted> InsertAsync(
        Guid id, ReceiptKind kind, IssueOrder order, DateTimeOffset issuedAt, OrgTransaction transaction, CancellationToken cancellation)
    {
        var year = calendar.YearOf(issuedAt);
        var nextSql = kind == ReceiptKind.CreditNote ? NextCreditNoteSql : NextNumberSql;
        var sequence = await transaction.ExecuteScalarAsync<long>(nextSql, new { Org = transaction.OrgId, Year = year }, cancellation);
        var args = new
        {
            Org = transaction.OrgId,
            Id = id,
            Kind = kind.Word(),
            Number = ReceiptNumber.Of(kind, year, sequence),
            order.Username,
            order.Until,
            order.ReceiptRunId,
            order.IssuedBy,
            IssuedAt = issuedAt,
        };
        return await transaction.Connection.QuerySingleAsync<Inserted>(Long(InsertSql, args, transaction, cancellation));
    }

    private static async Task AnnounceAsync(
        Guid id, ReceiptKind kind, Inserted receipt, IssueOrder order, DateTimeOffset issuedAt, OrgTransaction transaction, CancellationToken cancellation)
    {
        // A credit note opens nothing that could be paid.
        if (kind == ReceiptKind.Receipt)
        {
            await transaction.EnqueueAsync(
                new ReceiptIssued(transaction.OrgId, id, receipt.Number, order.Username, receipt.TotalMinor, receipt.Currency, issuedAt), cancellation);
        }

        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["receiptId"] = id.ToString(),
            ["username"] = order.Username,
            ["until"] = order.Until.ToString("O", CultureInfo.InvariantCulture),
            ["runs"] = receipt.Runs.ToString(CultureInfo.InvariantCulture),
            ["total"] = new Money(receipt.TotalMinor, Currency.Of(receipt.Currency)).ToString(),
        };
        if (receipt.Adjustments > 0) details["adjustments"] = receipt.Adjustments.ToString(CultureInfo.InvariantCulture);
        if (order.ReceiptRunId is { } run) details["receiptRun"] = run.ToString();
        var act = new AuditAct(order.IssuedBy, $"{kind.Word()}.issued", $"receipt:{receipt.Number}", details, order.IpAddress);
        await transaction.AuditAsync(act, cancellation);
    }

    private static CommandDefinition Long(string sql, object args, OrgTransaction transaction, CancellationToken cancellation) =>
        new(sql, args, transaction.Transaction, StatementSecondsMax, cancellationToken: cancellation);

    private sealed record Billed(int Runs, long TotalMinor, int Items);

    private sealed record Inserted(string Number, long TotalMinor, int Runs, int Adjustments, string Currency);
}
