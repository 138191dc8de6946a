using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Ends imports whose upload nobody finishes, and deletes files that nobody needs any more.</summary>
internal sealed class TidySpool(Database database, Spool spool, IOptions<UsageOptions> options, TimeProvider clock, ILogger<TidySpool> log) : BackgroundService
{
    private const int RowsMax = 500;

    private const string AbandonSql = """
        UPDATE jobs SET status = 'failed', stage = 'done', error_code = 'upload_abandoned', error = @Error, finished_at = @Now
        WHERE id IN (
            SELECT id FROM jobs WHERE type = 'import' AND status = 'queued' AND stage = 'receiving' AND created_at < @Before LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        RETURNING *
        """;

    // What was given up or cancelled may be requeued, and what was exported fetched, as long as an upload may take.
    private const string OpenSql = """
        SELECT id FROM jobs
        WHERE id = ANY(@Ids) AND (finished_at IS NULL OR (finished_at >= @Before AND (status IN ('dead_letter', 'cancelled') OR (status = 'succeeded' AND type = 'export'))))
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await AbandonAsync(stoppingToken);
                await DeleteAsync(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("The spool could not be tidied: {Reason}", failure.Message);
            }

            await Task.Delay(Pause, clock, stoppingToken);
        }
    }

    private async Task AbandonAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        int days = options.Value.UploadDaysMax;
        var args = new { Now = now, Before = now.AddDays(-days), RowsMax, Error = $"The upload was not finished within {days} days (Usage:UploadDaysMax)." };
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        foreach (Job job in await transaction.QueryAsync<Job>(AbandonSql, args, cancellation))
        {
            await transaction.EnterOrgAsync(job.OrgId, cancellation);
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["fileName"] = job.Subject, ["errorCode"] = "upload_abandoned" };
            await transaction.AuditAsync(new AuditAct("system", "import.failed", $"import:{job.Id}", details), cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    private async Task DeleteAsync(CancellationToken cancellation)
    {
        DateTimeOffset before = Microseconds.Truncate(clock.GetUtcNow()).AddDays(-options.Value.UploadDaysMax);
        foreach (Guid[] held in spool.Held().Chunk(RowsMax))
        {
            await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
            IReadOnlyList<Guid> open = await transaction.QueryAsync<Guid>(OpenSql, new { Ids = held, Before = before }, cancellation);
            foreach (Guid id in held.Except(open)) spool.Delete(id);
        }
    }
}
