using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>
/// Replaces the facts of ended runs by what their source tells now. What held before is kept with the names of what changed, when that was
/// learnt and from where, and the change is told, all in the transaction of the chunk.
/// </summary>
internal sealed class CorrectRuns(OrgTransaction transaction, RunOrigin origin, IncomingRuns incoming)
{
    private const string KeepSql = """
        INSERT INTO run_versions (org_id, job_key, revision, replaced_at, replaced_by_source, replaced_by_read, changed, submitted_at, started_at,
            ended_at, charged_seconds, cpus, memory_mib, nodes, gpus, billing, username, account, partition, qos, state, gpus_by_type, other_tres)
        SELECT r.org_id, r.job_key, r.revision, now(), @Source, @Read, array_remove(ARRAY[
                CASE WHEN r.submitted_at <> i.submitted_at THEN 'submitted_at' END,
                CASE WHEN r.started_at IS DISTINCT FROM i.started_at THEN 'started_at' END,
                CASE WHEN r.ended_at IS DISTINCT FROM i.ended_at THEN 'ended_at' END,
                CASE WHEN r.charged_seconds <> i.charged_seconds THEN 'charged_seconds' END,
                CASE WHEN r.cpus <> i.cpus THEN 'cpus' END,
                CASE WHEN r.memory_mib <> i.memory_mib THEN 'memory_mib' END,
                CASE WHEN r.nodes <> i.nodes THEN 'nodes' END,
                CASE WHEN r.gpus <> i.gpus THEN 'gpus' END,
                CASE WHEN r.billing IS DISTINCT FROM i.billing THEN 'billing' END,
                CASE WHEN r.username <> i.username THEN 'username' END,
                CASE WHEN r.account <> i.account THEN 'account' END,
                CASE WHEN r.partition <> i.partition THEN 'partition' END,
                CASE WHEN r.qos <> i.qos THEN 'qos' END,
                CASE WHEN r.state <> i.state THEN 'state' END,
                CASE WHEN r.gpus_by_type IS DISTINCT FROM i.gpus_by_type THEN 'gpus_by_type' END,
                CASE WHEN r.other_tres IS DISTINCT FROM i.other_tres THEN 'other_tres' END], NULL),
            r.submitted_at, r.started_at, r.ended_at, r.charged_seconds, r.cpus, r.memory_mib, r.nodes, r.gpus, r.billing, r.username, r.account,
            r.partition, r.qos, r.state, r.gpus_by_type, r.other_tres
        FROM runs r JOIN incoming_runs i ON r.org_id = i.org_id AND r.job_key = i.job_key
        RETURNING job_key, changed, replaced_at
        """;

    private const string ReadSql = $"SELECT {IncomingRuns.Columns} FROM runs WHERE org_id = @Org AND job_key = ANY(@Keys)";

    public async Task CorrectAsync(PlannedRun[] corrected, CancellationToken cancellation)
    {
        await incoming.CopyAsync([.. corrected.Select(planned => planned.Run)], cancellation);
        IReadOnlyList<Version> kept = await transaction.QueryAsync<Version>(KeepSql, new { origin.Source, Read = origin.Id }, cancellation);
        await incoming.CorrectAsync(cancellation);

        foreach (Version[] some in kept.Chunk(UsageRecorded.RunsMax))
        {
            var rows = (await transaction.QueryAsync<RunRow>(ReadSql, new { Org = transaction.OrgId, Keys = some.Select(version => version.JobKey).ToArray() }, cancellation))
                .ToDictionary(row => row.JobKey, StringComparer.Ordinal);
            var message = new UsageCorrected(
                transaction.OrgId, Guid.CreateVersion7(), origin.Id, origin.Source, some[0].ReplacedAt,
                [.. some.Select(version => new CorrectedRun(rows[version.JobKey].ToMessage(), version.Changed))]);
            await transaction.EnqueueAsync(message, cancellation);
        }
    }

    private sealed record Version
    {
        public string JobKey { get; init; } = "";
        public string[] Changed { get; init; } = [];
        public DateTimeOffset ReplacedAt { get; init; }
    }
}
