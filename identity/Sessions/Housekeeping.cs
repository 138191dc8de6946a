using HpcBilling.Identity.Accounts;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Sessions;

/// <summary>Ends locks whose time is over, so that the log says when, and forgets tries, sessions and codes that matter no more.</summary>
internal sealed class Housekeeping(
    Database database, IOptions<IdentityOptions> options, TimeProvider clock, ILogger<Housekeeping> log) : BackgroundService
{
    private const int RowsMax = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SessionsKept = TimeSpan.FromDays(30);

    private const string EndLocksSql = """
        DELETE FROM login_throttle WHERE (org_id, username, ip_address) IN (
            SELECT org_id, username, ip_address FROM login_throttle
            WHERE locked_until <= @Now ORDER BY locked_until LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        RETURNING org_id, username, ip_address
        """;

    private const string ForgetTriesSql = """
        DELETE FROM login_throttle WHERE (org_id, username, ip_address) IN (
            SELECT org_id, username, ip_address FROM login_throttle
            WHERE window_started_at < @WindowEnd AND locked_until IS NULL LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        """;

    private const string ForgetSessionsSql = """
        DELETE FROM sessions WHERE session_id IN (
            SELECT session_id FROM sessions WHERE expires_at < @Oldest LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        """;

    private const string ForgetSignInsSql = """
        DELETE FROM pending_sign_ins WHERE secret_hash IN (
            SELECT secret_hash FROM pending_sign_ins WHERE expires_at < @Now LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        """;

    private const string ForgetCodesSql = """
        DELETE FROM password_codes WHERE code_hash IN (
            SELECT code_hash FROM password_codes WHERE expires_at < @Now LIMIT @RowsMax FOR UPDATE SKIP LOCKED)
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning(failure, "Housekeeping failed and is tried again in {Seconds} s", Interval.TotalSeconds);
            }
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        foreach (EndedLock ended in await tx.QueryAsync<EndedLock>(EndLocksSql, new { Now = now, RowsMax }, cancellation))
        {
            await tx.EnterOrgAsync(ended.OrgId, cancellation);
            Account? account = await Account.FindAsync(tx, ended.Username, cancellation);
            await tx.AuditAsync(LoginAct.Of(account, "lockout.end", ended.IpAddress), cancellation);
        }

        await tx.ExecuteAsync(ForgetTriesSql, new { WindowEnd = now - options.Value.Throttle.Window, RowsMax }, cancellation);
        await tx.ExecuteAsync(ForgetSessionsSql, new { Oldest = now - SessionsKept, RowsMax }, cancellation);
        await tx.ExecuteAsync(ForgetSignInsSql, new { Now = now, RowsMax }, cancellation);
        await tx.ExecuteAsync(ForgetCodesSql, new { Now = now, RowsMax }, cancellation);
        await tx.CommitAsync(cancellation);
    }

    private sealed record EndedLock(Guid OrgId, string Username, string IpAddress);
}
