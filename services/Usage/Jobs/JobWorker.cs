using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Jobs;

/// <summary>Works through the jobs, one of each type at a time in each process.</summary>
internal sealed class JobWorker(
    IEnumerable<IJobHandler> handlers, JobLedger ledger, JobSignals signals, IOptions<UsageOptions> options, TimeProvider clock, ILogger<JobWorker> log)
    : BackgroundService
{
    private static readonly ActivitySource Activities = new("HpcBilling.Usage");
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(handlers.Select(handler => WorkAsync(handler, stoppingToken)));

    private async Task WorkAsync(IJobHandler handler, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await ledger.ClaimAsync(handler.Type, handler.FirstStage, stoppingToken) is { } job) await WorkAsync(handler, job, stoppingToken);
                else await signals.Of(handler.Type).WaitAsync(Look, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("No {Type} could be claimed: {Reason}", handler.Type, failure.Message);
                await Task.Delay(Look, clock, stoppingToken);
            }
        }
    }

    private async Task WorkAsync(IJobHandler handler, Job job, CancellationToken stoppingToken)
    {
        using Activity? activity = Activities.StartActivity(job.Type, ActivityKind.Internal, job.TraceParent);
        try
        {
            await EndUnderLeaseAsync(handler, job, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await ledger.ReleaseAsync(job, CancellationToken.None);
        }
        catch (LeaseLostException lost)
        {
            log.LogWarning("Job {JobId} ({Type}) is left alone: {Reason}", job.Id, job.Type, lost.Message);
        }
        catch (Exception failure)
        {
            // The database or the disk is away, or the job meets a bug: later, and not for ever.
            TimeSpan pause = await ledger.RetryAsync(job, "attempt_failed", failure.Message, stoppingToken);
            log.LogWarning(failure, "Job {JobId} ({Type}) failed and is tried again in {Seconds} s", job.Id, job.Type, pause.TotalSeconds);
        }
    }

    private async Task EndUnderLeaseAsync(IJobHandler handler, Job job, CancellationToken stoppingToken)
    {
        using var lease = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        Task heartbeat = BeatAsync(job, lease);
        try
        {
            await EndAsync(handler, job, lease.Token);
        }
        catch (OperationCanceledException) when (lease.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
        {
            throw new LeaseLostException();
        }
        finally
        {
            await lease.CancelAsync();
            await heartbeat;
        }
    }

    private async Task EndAsync(IJobHandler handler, Job job, CancellationToken cancellation)
    {
        JobOutcome outcome = await RunAsync(handler, job, cancellation);
        await ledger.FinishAsync(job, outcome, handler.DescribeAsync, cancellation);
        if (outcome is not JobOutcome.GivenUp) handler.CleanUp(job);
        log.LogInformation("Job {JobId} ({Type}) has ended", job.Id, job.Type);
    }

    private async Task<JobOutcome> RunAsync(IJobHandler handler, Job job, CancellationToken cancellation)
    {
        int most = options.Value.AttemptsMax;
        if (job.Attempts > most) return new JobOutcome.GivenUp($"Given up after {most} attempts without progress. The last error: {job.Error}");
        var context = new JobContext(job, ledger);
        context.FailIfAsked(handler.FirstStage);
        return await handler.RunAsync(context, cancellation);
    }

    private async Task BeatAsync(Job job, CancellationTokenSource lease)
    {
        TimeSpan third = TimeSpan.FromSeconds(options.Value.LeaseSeconds) / 3;
        while (!lease.IsCancellationRequested)
        {
            await Task.Delay(third, clock, lease.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (lease.IsCancellationRequested) return;
            try
            {
                if (!await ledger.RenewAsync(job, lease.Token)) await lease.CancelAsync();
            }
            catch (Exception failure) when (!lease.IsCancellationRequested)
            {
                // The next beat may get through; storing checks the lease by itself.
                log.LogWarning("The lease of job {JobId} could not be renewed: {Reason}", job.Id, failure.Message);
            }
        }
    }
}
