using System.Globalization;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Imports: from the last checkpoint of an upload to its end.</summary>
internal sealed class ImportHandler(Database database, RunImport import, Spool spool) : IJobHandler
{
    public string Type => Job.Import;

    public string FirstStage => "importing";

    public async Task<JobOutcome> RunAsync(JobContext context, CancellationToken cancellation)
    {
        ImportJob job = await ReadAsync(context.Job, cancellation);
        try
        {
            return await import.RunAsync(job, context.LeaseOwner, cancellation) is { } refused
                ? new JobOutcome.Failed(refused.Code, refused.Message)
                : new JobOutcome.Succeeded();
        }
        catch (FileNotFoundException lost)
        {
            return new JobOutcome.Failed("content_lost", $"The uploaded file is gone: {lost.Message}");
        }
    }

    public async Task<IReadOnlyDictionary<string, string>> DescribeAsync(OrgTransaction transaction, Job job, CancellationToken cancellation)
    {
        ImportJob done = (await FindImport.FindAsync(transaction, job.Id, cancellation))!;
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["fileName"] = done.FileName,
            ["stored"] = done.Stored.ToString(CultureInfo.InvariantCulture),
            ["updated"] = done.Updated.ToString(CultureInfo.InvariantCulture),
            ["known"] = done.Known.ToString(CultureInfo.InvariantCulture),
            ["quarantined"] = done.Quarantined.ToString(CultureInfo.InvariantCulture),
        };
    }

    // What was imported is in the tables, and what a log says beyond that is not ours to keep.
    public void CleanUp(Job job) => spool.Delete(job.Id);

    private async Task<ImportJob> ReadAsync(Job job, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, cancellation);
        return (await FindImport.FindAsync(transaction, job.Id, cancellation))!;
    }
}
