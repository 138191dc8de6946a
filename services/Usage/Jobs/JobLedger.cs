using System.Diagnostics;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Jobs;

/// <summary>Which worker has which job, and how jobs end. Leases are timed by the database's clock, which all replicas share.</summary>
internal sealed class JobLedger(Database database, IOptions<UsageOptions> options, TimeProvider clock)
{
    private const int ErrorLengthMax = 500;

    private const string InsertSql = """
        INSERT INTO jobs (id, org_id, type, status, stage, subject, requested_by, idempotency_key, request_hash, request, total, due_at, fail_at_stage, created_at, trace_parent)
        VALUES (@Id, @OrgId, @Type, 'queued', @Stage, @Subject, @RequestedBy, @IdempotencyKey, @RequestHash, @Request::jsonb, @Total, @Now, @FailAtStage, @Now, @TraceParent)
        ON CONFLICT DO NOTHING
        RETURNING *
        """;

    private const string FindSql = "SELECT * FROM jobs WHERE org_id = @OrgId AND idempotency_key = @IdempotencyKey";

    // A job whose worker fell silent is taken over; one that nobody holds is started when its time has come.
    private const string ClaimSql = """
        UPDATE jobs SET
            status = 'running', stage = @Stage, lease_owner = @Owner, leased_until = clock_timestamp() + make_interval(secs => @LeaseSeconds),
            attempts = attempts + 1, started_at = coalesce(started_at, @Now)
        WHERE id = (
            SELECT id FROM jobs
            WHERE type = @Type AND ((status = 'queued' AND stage = 'waiting' AND due_at <= clock_timestamp()) OR (status = 'running' AND leased_until < clock_timestamp()))
            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *
        """;

    private const string RenewSql = """
        UPDATE jobs SET leased_until = clock_timestamp() + make_interval(secs => @LeaseSeconds) WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    private const string RetrySql = """
        UPDATE jobs SET
            status = 'queued', stage = 'waiting', lease_owner = NULL, leased_until = NULL, due_at = clock_timestamp() + make_interval(secs => @Seconds),
            error_code = @Code, error = @Error
        WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    // Nothing went wrong: the attempt does not count.
    private const string ReleaseSql = """
        UPDATE jobs SET status = 'queued', stage = 'waiting', lease_owner = NULL, leased_until = NULL, attempts = greatest(attempts - 1, 0)
        WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    private const string StageSql = """
        UPDATE jobs SET stage = @Stage, done = 0, total = @Total WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    private const string ProgressSql = """
        UPDATE jobs SET done = @Done WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    private const string GuardSql = "SELECT 1 FROM jobs WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner FOR UPDATE";

    private const string FinishSql = """
        UPDATE jobs SET
            status = @Status, stage = 'done', lease_owner = NULL, leased_until = NULL, error_code = @Code, error = @Error, result = @Result::jsonb, finished_at = @Now
        WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    // The worker finds its lease gone at the next thing it wants to store; what it stored before stays.
    private const string CancelSql = """
        UPDATE jobs SET status = 'cancelled', stage = 'done', lease_owner = NULL, leased_until = NULL, error_code = 'cancelled', error = @Error, finished_at = @Now
        WHERE org_id = @Org AND id = @Id AND status IN ('queued', 'running') AND type NOT IN ('poll', 'month')
        """;

    private const string RequeueSql = """
        UPDATE jobs SET
            status = 'queued', attempts = 0, due_at = @Now, finished_at = NULL, fail_at_stage = NULL, error_code = NULL, error = NULL,
            stage = CASE WHEN EXISTS (SELECT 1 FROM import_jobs i WHERE i.org_id = @Org AND i.id = jobs.id AND i.bytes_received < i.size_bytes) THEN 'receiving' ELSE 'waiting' END
        WHERE org_id = @Org AND id = @Id AND status IN ('dead_letter', 'cancelled') AND type NOT IN ('poll', 'month')
        """;

    /// <summary>This process, as the owner of leases.</summary>
    public Guid Owner { get; } = Guid.CreateVersion7();

    /// <summary>Writes it down, once per idempotency key.</summary>
    /// <returns>The job, and whether it is a new one.</returns>
    public async Task<(Job Job, bool IsNew)> CreateAsync(OrgTransaction transaction, NewJob job, CancellationToken cancellation)
    {
        if (await TryCreateAsync(transaction, job, cancellation) is { } created) return (created, true);
        var key = new { transaction.OrgId, job.IdempotencyKey };
        return ((await transaction.QuerySingleOrDefaultAsync<Job>(FindSql, key, cancellation))!, false);
    }

    /// <returns>Null when there is one already: of this idempotency key, or of a type of which there can be one at a time.</returns>
    public Task<Job?> TryCreateAsync(OrgTransaction transaction, NewJob job, CancellationToken cancellation)
    {
        DateTimeOffset now = Now();
        var row = new
        {
            Id = Guid.CreateVersion7(now), transaction.OrgId, job.Type, job.Stage, job.Subject, job.RequestedBy, job.IdempotencyKey, job.RequestHash, job.Request,
            job.Total, job.FailAtStage, Now = now, TraceParent = Activity.Current?.Id,
        };
        return transaction.QuerySingleOrDefaultAsync<Job>(InsertSql, row, cancellation);
    }

    /// <returns>Null when there is nothing to do.</returns>
    public async Task<Job?> ClaimAsync(string type, string stage, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        Job? job = await transaction.QuerySingleOrDefaultAsync<Job>(
            ClaimSql, new { Type = type, Stage = stage, Owner, LeaseSeconds = (double)options.Value.LeaseSeconds, Now = Now() }, cancellation);
        await transaction.CommitAsync(cancellation);
        return job;
    }

    /// <returns>False when the lease is lost.</returns>
    public Task<bool> RenewAsync(Job job, CancellationToken cancellation) =>
        ExecuteAsync(RenewSql, job, new { Org = job.OrgId, job.Id, Owner, LeaseSeconds = (double)options.Value.LeaseSeconds }, cancellation);

    /// <summary>A clean stop: whoever is there next goes on at once.</summary>
    public Task ReleaseAsync(Job job, CancellationToken cancellation) => ExecuteAsync(ReleaseSql, job, new { Org = job.OrgId, job.Id, Owner }, cancellation);

    /// <summary>It failed: once more after a pause, longer each time, with jitter so that what failed together does not come back together.</summary>
    /// <returns>The pause.</returns>
    public async Task<TimeSpan> RetryAsync(Job job, string code, string error, CancellationToken cancellation)
    {
        TimeSpan pause = Domain.ReadSpan.Backoff(job.Attempts - 1, options.Value.RetrySecondsMax) * (0.75 + (Random.Shared.NextDouble() / 2));
        await ExecuteAsync(RetrySql, job, new { Org = job.OrgId, job.Id, Owner, Seconds = pause.TotalSeconds, Code = code, Error = Cut(error) }, cancellation);
        return pause;
    }

    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    public async Task EnterAsync(Job job, string stage, long? total, CancellationToken cancellation)
    {
        if (!await ExecuteAsync(StageSql, job, new { Org = job.OrgId, job.Id, Owner, Stage = stage, Total = total }, cancellation)) throw new LeaseLostException();
    }

    /// <summary>How far it is in its stage.</summary>
    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    public async Task ReportAsync(Job job, long done, CancellationToken cancellation)
    {
        if (!await ExecuteAsync(ProgressSql, job, new { Org = job.OrgId, job.Id, Owner, Done = done }, cancellation)) throw new LeaseLostException();
    }

    /// <summary>Holds the job to the end of the transaction.</summary>
    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    public async Task GuardAsync(OrgTransaction transaction, Job job, CancellationToken cancellation)
    {
        if (await transaction.ExecuteScalarAsync<int>(GuardSql, new { Org = job.OrgId, job.Id, Owner }, cancellation) != 1) throw new LeaseLostException();
    }

    /// <summary>Writes down the end, with its entry in the audit log.</summary>
    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    public async Task FinishAsync(Job job, JobOutcome outcome, Describe describe, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        (string status, string? code, string? error, string? result) = outcome switch
        {
            JobOutcome.Succeeded succeeded => ("succeeded", (string?)null, (string?)null, succeeded.Result),
            JobOutcome.Failed failed => ("failed", failed.Code, failed.Error, (string?)null),
            JobOutcome.GivenUp givenUp => ("dead_letter", "attempts_exhausted", givenUp.Error, null),
            _ => throw new UnreachableException(),
        };
        var row = new { Org = job.OrgId, job.Id, Owner, Status = status, Code = code, Error = error is null ? null : Cut(error), Result = result, Now = Now() };
        if (await transaction.ExecuteAsync(FinishSql, row, cancellation) != 1) throw new LeaseLostException();

        var details = new Dictionary<string, string>(await describe(transaction, job, cancellation), StringComparer.Ordinal) { ["requestedBy"] = job.RequestedBy };
        if (code is not null) details["errorCode"] = code;
        await transaction.AuditAsync(new AuditAct("system", $"{job.Type}.{(code is null ? "succeeded" : "failed")}", $"{job.Type}:{job.Id}", details), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <returns>False when it is over, or none that could be cancelled.</returns>
    public async Task<bool> CancelAsync(OrgTransaction transaction, Guid id, string by, CancellationToken cancellation) =>
        await transaction.ExecuteAsync(CancelSql, new { Org = transaction.OrgId, Id = id, Error = $"Cancelled by {by}.", Now = Now() }, cancellation) == 1;

    /// <returns>False when it is neither given up nor cancelled.</returns>
    public async Task<bool> RequeueAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation) =>
        await transaction.ExecuteAsync(RequeueSql, new { Org = transaction.OrgId, Id = id, Now = Now() }, cancellation) == 1;

    private async Task<bool> ExecuteAsync(string sql, Job job, object parameters, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        int rows = await transaction.ExecuteAsync(sql, parameters, cancellation);
        await transaction.CommitAsync(cancellation);
        return rows == 1;
    }

    private static string Cut(string text) => text[..Math.Min(text.Length, ErrorLengthMax)];

    private DateTimeOffset Now() => Microseconds.Truncate(clock.GetUtcNow());
}

/// <summary>What the audit log says of a job that has ended.</summary>
internal delegate Task<IReadOnlyDictionary<string, string>> Describe(OrgTransaction transaction, Job job, CancellationToken cancellation);

/// <summary>The job is another worker's now, or was cancelled.</summary>
internal sealed class LeaseLostException() : Exception("The lease was lost: another worker has it, or it was cancelled.");
