using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Ends imports whose upload nobody finishes, and deletes files whose import has ended without its worker being able to.</summary>
internal sealed class TidySpool(Database database, Spool spool, IOptions<UsageOptions> options, TimeProvider clock, ILogger<TidySpool> log) : BackgroundService
{
    private const int RowsMax = 500;

    private const string AbandonSql = """
        UPDATE import_jobs SET status = 'failed', stage = 'done', error_code = 'upload_abandoned', error = @Error, finished_at = @Now
        WHERE id IN (
            SELECT id FROM import_jobs WHERE status = 'queued' AND stage = 'receiving' AND created_at < @Before LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        RETURNING *
        """;

    private const string OpenSql = "SELECT id FROM import_jobs WHERE id = ANY(@Ids) AND finished_at IS NULL";

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
        foreach (ImportJob job in await transaction.QueryAsync<ImportJob>(AbandonSql, args, cancellation))
        {
            await transaction.EnterOrgAsync(job.OrgId, cancellation);
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["fileName"] = job.FileName, ["errorCode"] = "upload_abandoned" };
            await transaction.AuditAsync(new AuditAct("system", "import.failed", $"import:{job.Id}", details), cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    private async Task DeleteAsync(CancellationToken cancellation)
    {
        foreach (Guid[] held in spool.Held().Chunk(RowsMax))
        {
            await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
            IReadOnlyList<Guid> open = await transaction.QueryAsync<Guid>(OpenSql, new { Ids = held }, cancellation);
            foreach (Guid id in held.Except(open)) spool.Delete(id);
        }
    }
}
