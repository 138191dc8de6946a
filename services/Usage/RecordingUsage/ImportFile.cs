using System.Globalization;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Makes an import of a file that lies on this machine: announced, copied to the spool and worked on like an upload. Once by its content.</summary>
internal sealed class ImportFile(Database database, Spool spool, ImportSignal signal, TimeProvider clock)
{
    private const string InsertSql = """
        INSERT INTO import_jobs (id, org_id, status, stage, requested_by, idempotency_key, request_hash, file_name, format, fields, cluster, size_bytes, created_at)
        VALUES (@Id, @Org, 'queued', 'receiving', @RequestedBy, @Key, @Digest, @FileName, 'sacct', @Fields, @Cluster, @SizeBytes, @Now)
        ON CONFLICT (org_id, idempotency_key) DO NOTHING
        """;

    private const string FindSql = "SELECT * FROM import_jobs WHERE org_id = @Org AND idempotency_key = @Key";

    private const string ReceivedSql = """
        UPDATE import_jobs SET bytes_received = size_bytes, stage = 'waiting' WHERE org_id = @Org AND id = @Id AND stage = 'receiving'
        """;

    /// <param name="source">Whose folder it lies in.</param>
    /// <param name="name">Of the file.</param>
    /// <param name="content">At its beginning.</param>
    /// <param name="digest">SHA-256 of the content, hexadecimal.</param>
    /// <param name="cancellation">Stops the copying.</param>
    /// <returns>False when the file changed meanwhile, or is being copied by another replica: look again.</returns>
    public async Task<bool> ImportAsync(SourceOptions source, string name, Stream content, string digest, CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        var row = new
        {
            Id = Guid.CreateVersion7(now), source.Org, RequestedBy = $"source:{source.Name}", Key = $"file/{source.Cluster}/{digest}", Digest = digest,
            FileName = string.Concat(name.Where(c => !char.IsControl(c)).Take(255)), source.Fields, source.Cluster, SizeBytes = content.Length, Now = now,
        };
        ImportJob job;
        await using (OrgTransaction transaction = await database.BeginAsync(source.Org, cancellation))
        {
            bool isNew = await transaction.ExecuteAsync(InsertSql, row, cancellation) == 1;
            job = (await transaction.QuerySingleOrDefaultAsync<ImportJob>(FindSql, row, cancellation))!;
            if (isNew) await transaction.AuditAsync(new AuditAct("system", "import.created", $"import:{job.Id}", Details(job)), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        // Known, and more than announced: its bytes are here or were imported.
        if (job.Stage != ImportJob.Receiving) return true;
        if (!await TryCopyAsync(job, content, cancellation)) return false;

        await using OrgTransaction received = await database.BeginAsync(source.Org, cancellation);
        await received.ExecuteAsync(ReceivedSql, new { source.Org, job.Id }, cancellation);
        await received.CommitAsync(cancellation);
        signal.Set();
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
