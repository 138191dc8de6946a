using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Works through the imports, one at a time in each process.</summary>
internal sealed class ImportWorker(
    ImportQueue queue, RunImport import, Spool spool, ImportSignal signal, IOptions<UsageOptions> options, TimeProvider clock, ILogger<ImportWorker> log)
    : BackgroundService
{
    private static readonly ActivitySource Activities = new("HpcBilling.Usage");
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(60);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await queue.ClaimAsync(stoppingToken) is { } job) await WorkAsync(job, stoppingToken);
                else await signal.WaitAsync(Poll, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("No import could be claimed: {Reason}", failure.Message);
                await Task.Delay(Poll, clock, stoppingToken);
            }
        }
    }

    private async Task WorkAsync(ImportJob job, CancellationToken stoppingToken)
    {
        using Activity? activity = Activities.StartActivity("import", ActivityKind.Internal, job.TraceParent);
        try
        {
            await EndUnderLeaseAsync(job, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A clean stop: whoever is there next goes on at once.
            await queue.ReleaseAsync(job, TimeSpan.Zero, null, CancellationToken.None);
        }
        catch (LeaseLostException lost)
        {
            log.LogWarning("Import {ImportId} is left alone: {Reason}", job.Id, lost.Message);
        }
        catch (Exception failure)
        {
            // The database or the disk is away, or the import meets a bug: later, and not for ever.
            TimeSpan pause = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, job.Attempts - 1), PauseMax.TotalSeconds));
            log.LogWarning(failure, "Import {ImportId} failed and is tried again in {Seconds} s", job.Id, pause.TotalSeconds);
            await queue.ReleaseAsync(job, pause, failure.Message, stoppingToken);
        }
    }

    private async Task EndUnderLeaseAsync(ImportJob job, CancellationToken stoppingToken)
    {
        using var lease = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        Task heartbeat = BeatAsync(job, lease);
        try
        {
            await EndAsync(job, lease.Token);
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

    private async Task EndAsync(ImportJob job, CancellationToken cancellation)
    {
        if (job.Attempts > options.Value.AttemptsMax) await queue.GiveUpAsync(job, cancellation);
        else if (await RunAsync(job, cancellation) is var (code, error)) await queue.FailAsync(job, code, error, cancellation);
        else await queue.SucceedAsync(job, cancellation);

        // What was imported is in the tables, and what a log says beyond that is not ours to keep.
        spool.Delete(job.Id);
        log.LogInformation("Import {ImportId} has ended", job.Id);
    }

    private async Task<(string Code, string Error)?> RunAsync(ImportJob job, CancellationToken cancellation)
    {
        try
        {
            return await import.RunAsync(job, queue.Owner, cancellation) is { } refused ? (refused.Code, refused.Message) : null;
        }
        catch (FileNotFoundException lost)
        {
            return ("content_lost", $"The uploaded file is gone: {lost.Message}");
        }
    }

    private async Task BeatAsync(ImportJob job, CancellationTokenSource lease)
    {
        TimeSpan third = TimeSpan.FromSeconds(options.Value.LeaseSeconds) / 3;
        while (!lease.IsCancellationRequested)
        {
            await Task.Delay(third, clock, lease.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (lease.IsCancellationRequested) return;
            try
            {
                if (!await queue.RenewAsync(job, lease.Token)) await lease.CancelAsync();
            }
            catch (Exception failure) when (!lease.IsCancellationRequested)
            {
                // The next beat may get through; storing checks the lease by itself.
                log.LogWarning("The lease of import {ImportId} could not be renewed: {Reason}", job.Id, failure.Message);
            }
        }
    }
}
