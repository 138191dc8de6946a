using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Tokens;

/// <summary>Forgets what was presented or called back, when it would no longer be accepted anyway.</summary>
internal sealed class TokenHousekeeping(Database database, TimeProvider clock, ILogger<TokenHousekeeping> log) : BackgroundService
{
    private const int RowsMax = 5_000;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    // Half an hour more than needed: no clock is so wrong that what is forgotten would be taken again.
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(30);

    private const string ForgetUsedSql = """
        DELETE FROM used_once WHERE used_hash IN (
            SELECT used_hash FROM used_once WHERE expires_at < @Before LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        """;

    private const string ForgetRevokedSql = """
        DELETE FROM revoked_tokens WHERE token_id IN (
            SELECT token_id FROM revoked_tokens WHERE expires_at < @Before LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var parameters = new { Before = clock.GetUtcNow() - Kept, RowsMax };
                await using OrgTransaction tx = await database.BeginWorkerAsync(stoppingToken);
                await tx.ExecuteAsync(ForgetUsedSql, parameters, stoppingToken);
                await tx.ExecuteAsync(ForgetRevokedSql, parameters, stoppingToken);
                await tx.CommitAsync(stoppingToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning(failure, "Tokens could not be tidied and are the next time, in {Seconds} s", Interval.TotalSeconds);
            }
        }
    }
}
