using System.Globalization;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Which worker has which import, and how imports end. Leases are timed by the database's clock, which all replicas share.</summary>
internal sealed class ImportQueue(Database database, IOptions<UsageOptions> options, TimeProvider clock)
{
    // An import whose worker fell silent is taken over; one that nobody holds is started.
    private const string ClaimSql = """
        UPDATE import_jobs SET
            status = 'running', stage = 'importing', lease_owner = @Owner, leased_until = clock_timestamp() + make_interval(secs => @LeaseSeconds),
            attempts = attempts + 1, started_at = coalesce(started_at, @Now)
        WHERE id = (
            SELECT id FROM import_jobs
            WHERE (status = 'queued' AND stage = 'waiting') OR (status = 'running' AND leased_until < clock_timestamp())
            ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *
        """;

    private const string RenewSql = """
        UPDATE import_jobs SET leased_until = clock_timestamp() + make_interval(secs => @Seconds), error = coalesce(@Error, error)
        WHERE id = @Id AND status = 'running' AND lease_owner = @Owner
        """;

    private const string FinishSql = """
        UPDATE import_jobs SET status = @Status, stage = 'done', lease_owner = NULL, leased_until = NULL, error_code = @Code, error = @Error, finished_at = @Now
        WHERE org_id = @Org AND id = @Id AND status = 'running' AND lease_owner = @Owner
        RETURNING *
        """;

    /// <summary>This process, as the owner of leases.</summary>
    public Guid Owner { get; } = Guid.CreateVersion7();

    /// <returns>Null when there is nothing to do.</returns>
    public async Task<ImportJob?> ClaimAsync(CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        ImportJob? job = await transaction.QuerySingleOrDefaultAsync<ImportJob>(
            ClaimSql, new { Owner, options.Value.LeaseSeconds, Now = Now() }, cancellation);
        await transaction.CommitAsync(cancellation);
        return job;
    }

    /// <returns>False when the lease is lost.</returns>
    public Task<bool> RenewAsync(ImportJob job, CancellationToken cancellation) => RenewAsync(job, TimeSpan.FromSeconds(options.Value.LeaseSeconds), null, cancellation);

    /// <summary>Gives the import back, to be taken up again after a pause.</summary>
    public Task ReleaseAsync(ImportJob job, TimeSpan pause, string? error, CancellationToken cancellation) => RenewAsync(job, pause, error, cancellation);

    public Task SucceedAsync(ImportJob job, CancellationToken cancellation) => FinishAsync(job, "succeeded", null, null, cancellation);

    /// <summary>The file itself is at fault; trying again would change nothing.</summary>
    public Task FailAsync(ImportJob job, string code, string error, CancellationToken cancellation) => FinishAsync(job, "failed", code, error, cancellation);

    /// <summary>It failed too often without getting further; somebody has to look.</summary>
    public Task GiveUpAsync(ImportJob job, CancellationToken cancellation) =>
        FinishAsync(job, "dead_letter", "attempts_exhausted", $"Given up after {options.Value.AttemptsMax} attempts without progress. The last error: {job.Error}", cancellation);

    private async Task<bool> RenewAsync(ImportJob job, TimeSpan time, string? error, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        int rows = await transaction.ExecuteAsync(RenewSql, new { job.Id, Owner, Seconds = time.TotalSeconds, Error = error }, cancellation);
        await transaction.CommitAsync(cancellation);
        return rows == 1;
    }

    private async Task FinishAsync(ImportJob job, string status, string? code, string? error, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        ImportJob done = await transaction.QuerySingleOrDefaultAsync<ImportJob>(
            FinishSql, new { Org = job.OrgId, job.Id, Owner, Status = status, Code = code, Error = error, Now = Now() }, cancellation) ?? throw new LeaseLostException();
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["fileName"] = done.FileName,
            ["requestedBy"] = done.RequestedBy,
            ["stored"] = done.Stored.ToString(CultureInfo.InvariantCulture),
            ["updated"] = done.Updated.ToString(CultureInfo.InvariantCulture),
            ["known"] = done.Known.ToString(CultureInfo.InvariantCulture),
            ["quarantined"] = done.Quarantined.ToString(CultureInfo.InvariantCulture),
        };
        if (code is not null) details["errorCode"] = code;
        await transaction.AuditAsync(new AuditAct("system", status == "succeeded" ? "import.succeeded" : "import.failed", $"import:{job.Id}", details), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private DateTimeOffset Now() => Microseconds.Truncate(clock.GetUtcNow());
}
