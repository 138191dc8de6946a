using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>A receipt run that this worker holds until its lease runs out.</summary>
internal sealed record ClaimedRun(
    Guid OrgId, Guid Id, DateTimeOffset Until, string RequestedBy, string? IpAddress, Guid LeaseId, bool UsersListed);

/// <summary>The rows of receipt runs: claiming, keeping, advancing and finishing them.</summary>
/// <remarks>Every write but the claim names the lease. A worker that was thought dead finds its lease gone, and what it did with it.</remarks>
internal sealed class ReceiptRunLedger(Database database, TimeProvider clock, IOptions<RatingOptions> options)
{
    /// <summary>Attempts in a row that issue nothing before a run is given up.</summary>
    private const int AttemptsMax = 8;

    // The oldest that nobody holds, or whose holder has fallen silent.
    private const string ClaimSql = """
        UPDATE receipt_runs SET status = 'running', lease_id = @LeaseId, lease_until = @LeaseUntil, attempts = attempts + 1,
            started_at = coalesce(started_at, @Now)
        WHERE (org_id, id) = (
            SELECT org_id, id FROM receipt_runs
            WHERE not_before <= @Now AND (status = 'queued' OR (status = 'running' AND lease_until < @Now))
            ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING org_id, id, until, requested_by, ip_address, lease_id, users_listed
        """;

    private const string KeepSql = """
        UPDATE receipt_runs SET lease_until = @LeaseUntil WHERE org_id = @OrgId AND id = @Id AND lease_id = @LeaseId
        """;

    private const string ListUsersSql = """
        INSERT INTO receipt_run_users (org_id, receipt_run_id, username)
        SELECT DISTINCT @OrgId, @Id, username FROM runs
        WHERE org_id = @OrgId AND rating = 'priced' AND receipt_id IS NULL AND ended_at < @Until
        UNION
        SELECT @OrgId, @Id, newer.billed_to
        FROM superseded_runs AS newer JOIN runs ON runs.org_id = newer.org_id AND runs.job_key = newer.job_key
        WHERE newer.org_id = @OrgId AND newer.adjusted_at IS NULL AND (newer.ended_at < @Until OR runs.ended_at < @Until)
        ON CONFLICT DO NOTHING
        """;

    private const string CountUsersSql = """
        UPDATE receipt_runs SET users_listed = true, users = (SELECT count(*) FROM receipt_run_users WHERE org_id = @OrgId AND receipt_run_id = @Id)
        WHERE org_id = @OrgId AND id = @Id AND lease_id = @LeaseId
        """;

    private const string NextUserSql = """
        SELECT username FROM receipt_run_users
        WHERE org_id = @OrgId AND receipt_run_id = @Id AND done_at IS NULL AND username <> ALL(@Passed)
        ORDER BY username LIMIT 1
        """;

    private const string UserDoneSql = """
        UPDATE receipt_run_users SET done_at = @Now, receipt_id = @ReceiptId
        WHERE org_id = @OrgId AND receipt_run_id = @Id AND username = @Username AND done_at IS NULL
        """;

    private const string AdvanceSql = """
        UPDATE receipt_runs SET users_done = users_done + 1, receipts = receipts + @Receipts, credit_notes = credit_notes + @CreditNotes,
            runs = runs + @Runs, adjustments = adjustments + @Adjustments, total_minor = total_minor + @TotalMinor,
            currency = coalesce(@Currency, currency), attempts = 0, error = NULL, lease_until = @LeaseUntil
        WHERE org_id = @OrgId AND id = @Id AND lease_id = @LeaseId
        """;

    private const string FinishSql = """
        UPDATE receipt_runs SET status = 'succeeded', finished_at = @Now, lease_id = NULL, lease_until = NULL
        WHERE org_id = @OrgId AND id = @Id AND lease_id = @LeaseId
        """;

    // Attempts count from the last receipt issued: as long as it gets on, it may be interrupted as often as it likes.
    private const string PostponeSql = """
        UPDATE receipt_runs SET error = @Error, lease_id = NULL, lease_until = NULL,
            status = CASE WHEN attempts >= @AttemptsMax THEN 'failed' ELSE 'queued' END,
            finished_at = CASE WHEN attempts >= @AttemptsMax THEN @Now::timestamptz END,
            not_before = @Now::timestamptz + make_interval(secs => least(60, 2 ^ attempts))
        WHERE org_id = @OrgId AND id = @Id AND lease_id = @LeaseId
        """;

    private DateTimeOffset Now => Microseconds.Truncate(clock.GetUtcNow());

    private DateTimeOffset LeaseUntil => Now.AddSeconds(options.Value.ReceiptRunLeaseSeconds);

    public async Task<ClaimedRun?> ClaimAsync(CancellationToken cancellation)
    {
        await using var transaction = await database.BeginWorkerAsync(cancellation);
        var args = new { LeaseId = Guid.CreateVersion7(Now), Now, LeaseUntil };
        var claimed = await transaction.QuerySingleOrDefaultAsync<ClaimedRun>(ClaimSql, args, cancellation);
        await transaction.CommitAsync(cancellation);
        return claimed;
    }

    /// <returns>False when another worker holds the run by now.</returns>
    public async Task<bool> KeepAsync(ClaimedRun run, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(run.OrgId, cancellation);
        var kept = await transaction.ExecuteAsync(KeepSql, new { run.OrgId, run.Id, run.LeaseId, LeaseUntil }, cancellation);
        await transaction.CommitAsync(cancellation);
        return kept == 1;
    }

    /// <summary>Writes down once who has something to bill; a later attempt goes on with the same list.</summary>
    public async Task ListUsersAsync(ClaimedRun run, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(run.OrgId, cancellation);
        var args = new { run.OrgId, run.Id, run.Until, run.LeaseId };
        await transaction.ExecuteAsync(ListUsersSql, args, cancellation);
        await HoldAsync(CountUsersSql, args, transaction, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Who comes next, leaving out those whose receipt failed in this attempt.</summary>
    public async Task<string?> NextUserAsync(ClaimedRun run, IEnumerable<string> passed, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(run.OrgId, cancellation);
        return await transaction.ExecuteScalarAsync<string>(NextUserSql, new { run.OrgId, run.Id, Passed = passed.ToArray() }, cancellation);
    }

    /// <summary>Notes in the transaction of a user's receipt that he is done.</summary>
    /// <exception cref="LeaseLostException">Another worker holds the run; the receipt must not be committed.</exception>
    public async Task AdvanceAsync(
        ClaimedRun run, string username, IssueOutcome.Issued? issued, OrgTransaction transaction, CancellationToken cancellation)
    {
        var user = new { run.OrgId, run.Id, Username = username, ReceiptId = issued?.Id, Now };
        await HoldAsync(UserDoneSql, user, transaction, cancellation);
        var advance = new
        {
            run.OrgId,
            run.Id,
            run.LeaseId,
            LeaseUntil,
            Receipts = issued is null ? 0 : 1,
            CreditNotes = issued?.Kind == ReceiptKind.CreditNote ? 1 : 0,
            Runs = issued?.Runs ?? 0,
            Adjustments = issued?.Adjustments ?? 0,
            TotalMinor = issued?.TotalMinor ?? 0,
            issued?.Currency,
        };
        await HoldAsync(AdvanceSql, advance, transaction, cancellation);
    }

    public Task FinishAsync(ClaimedRun run, OrgTransaction transaction, CancellationToken cancellation) =>
        HoldAsync(FinishSql, new { run.OrgId, run.Id, run.LeaseId, Now }, transaction, cancellation);

    /// <summary>Puts the run back for another attempt, later each time; gives it up after <see cref="AttemptsMax"/>.</summary>
    public async Task PostponeAsync(ClaimedRun run, string error, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(run.OrgId, cancellation);
        await HoldAsync(PostponeSql, new { run.OrgId, run.Id, run.LeaseId, Error = error, AttemptsMax, Now }, transaction, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private static async Task HoldAsync(string sql, object args, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (await transaction.ExecuteAsync(sql, args, cancellation) != 1) throw new LeaseLostException();
    }
}

/// <summary>Another worker has taken the receipt run over.</summary>
internal sealed class LeaseLostException() : Exception("The lease of the receipt run was lost.");
