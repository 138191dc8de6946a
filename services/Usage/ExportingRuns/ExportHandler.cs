using System.Text.Json;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.RecordingUsage;

namespace HpcBilling.Usage.ExportingRuns;

/// <summary>Which runs a file is to hold.</summary>
/// <param name="From">Ended at or after this instant.</param>
/// <param name="To">Ended before this instant.</param>
/// <param name="Cluster">Null for all.</param>
internal sealed record ExportedRuns(DateTimeOffset From, DateTimeOffset To, string? Cluster);

/// <summary>Writes the runs that ended in a span of time into a CSV file; PostgreSQL writes the lines, and none is held in memory.</summary>
internal sealed class ExportHandler(Database database, Spool spool) : IJobHandler
{
    private const int LinesPerStep = 20_000;

    // COPY takes no parameters; what it asks for is set for this transaction alone.
    private const string AskSql = """
        SELECT set_config('app.export_from', @From, true), set_config('app.export_to', @To, true), set_config('app.export_cluster', @Cluster, true)
        """;

    private const string WhereSql = """
        FROM runs WHERE org_id = current_org() AND ended_at >= current_setting('app.export_from')::timestamptz AND ended_at < current_setting('app.export_to')::timestamptz
            AND current_setting('app.export_cluster') IN ('', cluster)
        """;

    private const string CountSql = "SELECT count(*) " + WhereSql;

    private const string CopySql = """
        COPY (
            SELECT job_key, cluster, raw_job_id, job_id, sluid, username, account, partition, qos, state,
                to_char(submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS submitted_at,
                to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
                to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ended_at,
                charged_seconds, nodes, cpus, memory_mib, gpus, gpus_by_type, billing, other_tres, revision
        """ + " " + WhereSql + " ORDER BY job_key) TO STDOUT (FORMAT csv, HEADER)";

    public string Type => Job.Export;

    public string FirstStage => "reading";

    public async Task<JobOutcome> RunAsync(JobContext context, CancellationToken cancellation)
    {
        var wanted = JsonSerializer.Deserialize<ExportedRuns>(context.Job.Request!, JsonSerializerOptions.Web)!;
        await using OrgTransaction transaction = await database.BeginAsync(context.Job.OrgId, cancellation);
        var asked = new { From = wanted.From.ToString("O"), To = wanted.To.ToString("O"), Cluster = wanted.Cluster ?? "" };
        await transaction.QueryAsync<object>(AskSql, asked, cancellation);
        await context.EnterAsync("writing", await transaction.ExecuteScalarAsync<long>(CountSql, null, cancellation), cancellation);
        long rows = await WriteAsync(context, transaction, cancellation);
        return new JobOutcome.Succeeded(JsonSerializer.Serialize(new { rows }, JsonSerializerOptions.Web));
    }

    public Task<IReadOnlyDictionary<string, string>> DescribeAsync(OrgTransaction transaction, Job job, CancellationToken cancellation)
    {
        var wanted = JsonSerializer.Deserialize<ExportedRuns>(job.Request!, JsonSerializerOptions.Web)!;
        return Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["from"] = wanted.From.ToString("O"),
            ["to"] = wanted.To.ToString("O"),
            ["cluster"] = wanted.Cluster ?? "all",
        });
    }

    // The file is the result; it goes when its days are over.
    public void CleanUp(Job job)
    {
    }

    private async Task<long> WriteAsync(JobContext context, OrgTransaction transaction, CancellationToken cancellation)
    {
        // A second attempt begins the file anew.
        await using FileStream file = spool.OpenWrite(context.Job.Id);
        file.SetLength(0);
        await using var text = new StreamWriter(file);
        using TextReader lines = await transaction.Connection.BeginTextExportAsync(CopySql, cancellation);
        long written = 0;
        while (await lines.ReadLineAsync(cancellation) is { } line)
        {
            await text.WriteLineAsync(line.AsMemory(), cancellation);
            // The header is one of them.
            if (written++ % LinesPerStep == LinesPerStep - 1) await context.ProgressAsync(written - 1, cancellation);
        }

        await text.FlushAsync(cancellation);
        file.Flush(flushToDisk: true);
        await context.ProgressAsync(written - 1, cancellation);
        return written - 1;
    }
}
