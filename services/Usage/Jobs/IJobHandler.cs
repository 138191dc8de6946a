using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Usage.Jobs;

/// <summary>What is done for jobs of one type. It may be called again for a job that was begun before: it goes on, or begins anew, and doubles nothing.</summary>
internal interface IJobHandler
{
    /// <summary>One of <see cref="Job.Types"/>.</summary>
    string Type { get; }

    /// <summary>Where work begins.</summary>
    string FirstStage { get; }

    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    Task<JobOutcome> RunAsync(JobContext context, CancellationToken cancellation);

    /// <summary>For the audit log, when the job has ended.</summary>
    Task<IReadOnlyDictionary<string, string>> DescribeAsync(OrgTransaction transaction, Job job, CancellationToken cancellation);

    /// <summary>It is over and will not be requeued.</summary>
    void CleanUp(Job job);
}

/// <summary>How a job ended.</summary>
internal abstract record JobOutcome
{
    private JobOutcome()
    {
    }

    /// <param name="Result">JSON for whoever asked; null when the tables say it all.</param>
    internal sealed record Succeeded(string? Result = null) : JobOutcome;

    /// <summary>What was asked for is at fault; trying again would change nothing.</summary>
    internal sealed record Failed(string Code, string Error) : JobOutcome;

    /// <summary>It failed too often without getting further; somebody has to look, and may requeue it.</summary>
    internal sealed record GivenUp(string Error) : JobOutcome;
}

/// <summary>A job in the hands of its worker.</summary>
internal sealed class JobContext(Job job, JobLedger ledger)
{
    public Job Job => job;

    public Guid LeaseOwner => ledger.Owner;

    /// <summary>Begins the next stage.</summary>
    /// <param name="stage">Its name.</param>
    /// <param name="total">What there is to do, in whatever the job counts; null when that is not known.</param>
    /// <param name="cancellation">Cancels the statement.</param>
    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    public async Task EnterAsync(string stage, long? total, CancellationToken cancellation)
    {
        await ledger.EnterAsync(job, stage, total, cancellation);
        FailIfAsked(stage);
    }

    /// <summary>The rehearsal of a failure, in Development.</summary>
    public void FailIfAsked(string stage)
    {
        if (job.FailAtStage == stage) throw new InvalidOperationException($"It was asked to fail at the stage {stage}.");
    }

    /// <exception cref="LeaseLostException">Another worker has the job.</exception>
    public Task ProgressAsync(long done, CancellationToken cancellation) => ledger.ProgressAsync(job, done, cancellation);
}
