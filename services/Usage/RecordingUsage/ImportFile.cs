using System.Globalization;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Makes an import of a file that lies on this machine: announced, copied to the spool and worked on like an upload. Once by its content.</summary>
internal sealed class ImportFile(Database database, JobLedger ledger, Spool spool, JobSignals signals)
{
    private const string InsertSql = """
        INSERT INTO import_jobs (id, org_id, format, fields, cluster, size_bytes) VALUES (@Id, @Org, 'sacct', @Fields, @Cluster, @SizeBytes)
        """;

    private const string ReceivedSql = """
        WITH job AS (
            UPDATE jobs SET stage = 'waiting', done = 0 WHERE org_id = @Org AND id = @Id AND status = 'queued' AND stage = 'receiving' RETURNING id)
        UPDATE import_jobs SET bytes_received = size_bytes FROM job WHERE import_jobs.org_id = @Org AND import_jobs.id = job.id
        """;

    /// <param name="source">Whose folder it lies in.</param>
    /// <param name="name">Of the file.</param>
    /// <param name="content">At its beginning.</param>
    /// <param name="digest">SHA-256 of the content, hexadecimal.</param>
    /// <param name="cancellation">Stops the copying.</param>
    /// <returns>False when the file changed meanwhile, or is being copied by another replica: look again.</returns>
    public async Task<bool> ImportAsync(SourceOptions source, string name, Stream content, string digest, CancellationToken cancellation)
    {
        var wanted = new NewJob(Job.Import, ImportJob.Receiving, string.Concat(name.Where(c => !char.IsControl(c)).Take(255)), $"source:{source.Name}")
        {
            IdempotencyKey = $"file/{source.Cluster}/{digest}", RequestHash = digest, Total = content.Length,
        };
        ImportJob job;
        await using (OrgTransaction transaction = await database.BeginAsync(source.Org, cancellation))
        {
            (Job created, bool isNew) = await ledger.CreateAsync(transaction, wanted, cancellation);
            if (isNew)
                await transaction.ExecuteAsync(InsertSql, new { created.Id, source.Org, source.Fields, source.Cluster, SizeBytes = content.Length }, cancellation);
            job = (await FindImport.FindAsync(transaction, created.Id, cancellation))!;
            if (isNew) await transaction.AuditAsync(new AuditAct("system", "import.created", $"import:{job.Id}", Details(job)), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        // Known, and more than announced: its bytes are here or were imported.
        if (job.Stage != ImportJob.Receiving) return true;
        if (!await TryCopyAsync(job, content, cancellation)) return false;

        await using OrgTransaction received = await database.BeginAsync(source.Org, cancellation);
        await received.ExecuteAsync(ReceivedSql, new { source.Org, job.Id }, cancellation);
        await received.CommitAsync(cancellation);
        signals.Of(Job.Import).Set();
        return true;
    }

    private async Task<bool> TryCopyAsync(ImportJob job, Stream content, CancellationToken cancellation)
    {
        try
        {
            await using FileStream file = spool.OpenWrite(job.Id);
            await Spool.AppendAsync(file, 0, content, job.SizeBytes, _ => Task.CompletedTask, cancellation);
            return file.Position == job.SizeBytes;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static Dictionary<string, string> Details(ImportJob job) => new(StringComparer.Ordinal)
    {
        ["fileName"] = job.FileName,
        ["sizeBytes"] = job.SizeBytes.ToString(CultureInfo.InvariantCulture),
        ["requestedBy"] = job.RequestedBy,
    };
}
