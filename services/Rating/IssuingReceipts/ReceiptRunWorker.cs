using System.Globalization;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>Works on receipt runs: one transaction a user, so that a crash loses at most the receipt it was about to issue.</summary>
internal sealed class ReceiptRunWorker(
    Database database, ReceiptRunLedger ledger, IssueReceipt issue, IOptions<RatingOptions> options, TimeProvider clock,
    ILogger<ReceiptRunWorker> log) : BackgroundService
{
    /// <summary>Users that may fail in one attempt before it is taken for a failure of the whole.</summary>
    private const int FailuresMax = 10;
    private const int ErrorLengthMax = 500;

    private TimeSpan Poll => TimeSpan.FromMilliseconds(options.Value.ReceiptRunPollMilliseconds);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, options.Value.ReceiptRunWorkers).Select(_ => WorkAsync(stoppingToken)));

    private async Task WorkAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            var worked = false;
            try
            {
                if (await ledger.ClaimAsync(stopping) is { } run)
                {
                    worked = true;
                    await AttemptAsync(run, stopping);
                }
            }
            catch (Exception failure) when (!stopping.IsCancellationRequested)
            {
                // The database is away, or the lease is gone: whoever comes next finds everything in the tables.
                log.LogWarning("A receipt run was left to another attempt: {Reason}", failure.Message);
                worked = false;
            }

            if (!worked) await Task.Delay(Poll, clock, stopping);
        }
    }

    private async Task AttemptAsync(ClaimedRun run, CancellationToken stopping)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var heartbeat = KeepLeaseAsync(run, held, done.Token);
        try
        {
            if (!run.UsersListed) await ledger.ListUsersAsync(run, held.Token);
            await IssueAllAsync(run, held.Token);
        }
        catch (Exception failure) when (failure is not LeaseLostException && !held.IsCancellationRequested)
        {
            log.LogError(failure, "Receipt run {ReceiptRun} is put off", run.Id);
            await ledger.PostponeAsync(run, failure.Message[..Math.Min(failure.Message.Length, ErrorLengthMax)], stopping);
        }
        finally
        {
            await done.CancelAsync();
            await heartbeat;
        }
    }

    private async Task IssueAllAsync(ClaimedRun run, CancellationToken cancellation)
    {
        // One user whose receipt cannot be issued keeps nobody else from his.
        var failures = new Dictionary<string, Exception>(StringComparer.Ordinal);
        while (await ledger.NextUserAsync(run, failures.Keys, cancellation) is { } username)
        {
            try
            {
                await IssueAsync(run, username, cancellation);
            }
            catch (Exception failure) when (failure is not LeaseLostException && !cancellation.IsCancellationRequested)
            {
                failures.Add(username, failure);
                if (failures.Count >= FailuresMax) break;
            }
        }

        if (failures.Count > 0)
            throw new AggregateException($"No receipt for {string.Join(", ", failures.Keys)}", failures.Values);
        await FinishAsync(run, cancellation);
    }

    private async Task IssueAsync(ClaimedRun run, string username, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(run.OrgId, cancellation);
        var order = new IssueOrder(username, run.Until, run.RequestedBy, run.IpAddress, run.Id);
        var issued = await issue.IssueAsync(order, transaction, cancellation) as IssueOutcome.Issued;
        await ledger.AdvanceAsync(run, username, issued, transaction, cancellation);
        await transaction.CommitAsync(cancellation);
        if (issued is not null) RatingMetrics.CountIssued(issued.Kind, issued.Adjustments);
    }

    private async Task FinishAsync(ClaimedRun run, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(run.OrgId, cancellation);
        await ledger.FinishAsync(run, transaction, cancellation);
        var view = await ReadReceiptRun.FindAsync(run.Id, transaction, cancellation);
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["receipts"] = view!.Receipts.ToString(CultureInfo.InvariantCulture),
            ["creditNotes"] = view.CreditNotes.ToString(CultureInfo.InvariantCulture),
            ["runs"] = view.Runs.ToString(CultureInfo.InvariantCulture),
            ["adjustments"] = view.Adjustments.ToString(CultureInfo.InvariantCulture),
            ["totalMinor"] = view.TotalMinor.ToString(CultureInfo.InvariantCulture),
        };
        await transaction.AuditAsync(new AuditAct(run.RequestedBy, "receipt_run.finished", $"receipt-run:{run.Id}", details), cancellation);
        await transaction.CommitAsync(cancellation);
        log.LogInformation("Receipt run {ReceiptRun} issued {Receipts} receipts over {Runs} runs", run.Id, view.Receipts, view.Runs);
    }

    private async Task KeepLeaseAsync(ClaimedRun run, CancellationTokenSource held, CancellationToken done)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.ReceiptRunLeaseSeconds / 3.0), clock);
        try
        {
            while (await beat.WaitForNextTickAsync(done))
            {
                if (!await ledger.KeepAsync(run, done)) await held.CancelAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The attempt is over.
        }
        catch (Exception failure)
        {
            log.LogWarning("The lease of receipt run {ReceiptRun} could not be renewed: {Reason}", run.Id, failure.Message);
            await held.CancelAsync();
        }
    }
}
